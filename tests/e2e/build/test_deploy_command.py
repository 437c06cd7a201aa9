"""The command that README.md deploys with, read by SAM's own command line. Nothing is deployed."""

import json
import re
import shlex
import subprocess

import pytest

from tools.template import ROOT, read_template

SAM_PYTHON = ROOT / ".tools" / "sam" / "bin" / "python"
READ = """
import json, sys
from click import ClickException
from samcli.commands.deploy.command import cli
try:
    given = cli.make_context("deploy", sys.argv[1:]).params
    asked = ("parameter_overrides", "stack_name", "capabilities", "resolve_s3", "guided", "confirm_changeset")
    print(json.dumps({name: given[name] for name in asked}))
except ClickException as refused:
    sys.exit(refused.format_message())
"""


def read_by_sam(options: list[str]) -> subprocess.CompletedProcess[str]:
    if not SAM_PYTHON.is_file():
        pytest.fail("make build installs SAM; it is not there")
    environment = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
    command = [str(SAM_PYTHON), "-c", READ, *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_sam_takes_the_command_of_the_readme_and_asks_nothing_else():
    """What the command leaves out is in samconfig.toml. A stack with roles needs to be allowed to make them."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [written] = re.findall(r"^\.tools/sam/bin/sam deploy ((?:.*\\\n)*.*)$", readme, re.MULTILINE)
    read = read_by_sam(shlex.split(written.replace("\\\n", " ")))
    assert read.returncode == 0, read.stderr
    options = json.loads(read.stdout)
    given = options.pop("parameter_overrides")
    assert options == {
        "stack_name": "duologue",
        "capabilities": ["CAPABILITY_IAM"],
        "resolve_s3": True,
        "guided": False,
        "confirm_changeset": False,
    }
    declared = read_template()["Parameters"]
    assert given.keys() <= declared.keys()
    assert {name for name, about in declared.items() if "Default" not in about} <= given.keys()


def test_sam_refuses_a_parameter_without_a_value():
    read = read_by_sam(["--stack-name", "duologue", "--parameter-overrides", "DisplayNumbers="])
    assert read.returncode != 0
    assert "DisplayNumbers= is not a valid format" in read.stderr
