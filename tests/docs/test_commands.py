"""Commands in the documents for operators that cannot be run here exist, with the options that they are given.

AWS's command line has an operation's name and its members in its own spelling; botocore has the models of both.
"""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from pstn.__main__ import COMMANDS
from tools.template import ROOT, read_template, read_yaml

DOCUMENTS = ("docs/pstn-nodes.md", "docs/operations.md")
_OF_ALL = {"query", "output", "region", "profile", "no-paginate"}
# Commands that the command line has besides the operations of the services, with their options.
_OWN = {
    ("s3", "cp"): {"recursive"},
    ("s3", "rb"): {"force"},
    ("cloudformation", "deploy"): {"template-file", "stack-name", "capabilities", "parameter-overrides"},
    ("s3", "sync"): {"delete"},
    ("logs", "tail"): {"follow", "since"},
}


def _code(document: str) -> Iterator[str]:
    """The lines of the blocks of commands, and the code in sentences and tables."""
    text = (ROOT / document).read_text(encoding="utf-8")
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        if language in ("", "sh"):
            yield from (line.strip() for line in block.replace("\\\n", " ").splitlines())
    without = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", without)


def _commands(program: str) -> list[tuple[str, list[str]]]:
    found = []
    for document in DOCUMENTS:
        for line in _code(document):
            if line.startswith((f"{program} ", f"sudo {program} ")):
                try:
                    words = shlex.split(line, comments=True)
                except ValueError:  # a text that goes on in the next line
                    words = shlex.split(line.replace("'", "").replace('"', ""))
                found.append((document, words[words.index(program) + 1 :]))
    assert found, program
    return found


@cache
def _model(service: str) -> Any:
    """`deploy` is CodeDeploy's name on the command line."""
    return botocore.session.get_session().get_service_model("codedeploy" if service == "deploy" else service)


@cache
def _waiters(service: str) -> dict[str, str]:
    """The name on the command line: the operation that is asked."""
    waiters = botocore.session.get_session().get_waiter_model(service)
    return {xform_name(name, "-"): waiters.get_waiter(name).operation for name in waiters.waiter_names}


@pytest.mark.parametrize(("document", "words"), _commands("aws"), ids=lambda part: " ".join(part[:2]))
def test_a_command_of_aws_exists_with_its_options(document: str, words: list[str]):
    service, operation, *rest = words
    options = [word.removeprefix("--").partition("=")[0] for word in rest if word.startswith("--")]
    if (service, operation) in _OWN:
        assert set(options) <= _OWN[service, operation] | _OF_ALL
        return
    operations = {xform_name(name, "-"): name for name in _model(service).operation_names}
    if operation == "wait":
        operations, operation = _waiters(service), rest[0]
    assert operation in operations, f"{document}: aws {service} {operation}"
    members = _model(service).operation_model(operations[operation]).input_shape.members
    known = {xform_name(name, "-"): shape for name, shape in members.items()}
    known |= {f"no-{name}": shape for name, shape in known.items() if shape.type_name == "boolean"}
    assert set(options) - _OF_ALL <= known.keys(), f"{document}: aws {service} {operation}"
    for option, value in pairwise(rest):
        shape = known.get(option.removeprefix("--"))
        if shape is not None and not value.startswith(("--", "file://", "<", "[", "{", "'")):
            _check_shorthand(shape, value)


def _check_shorthand(shape: Any, value: str) -> None:
    """`Name=value,Other=value`: of a structure, or of one in a list."""
    inner = shape.member if shape.type_name == "list" else shape
    if inner.type_name == "structure" and "=" in value:
        named = re.findall(r"(?:^|,)(\w+)=", value)
        lower = {name.lower() for name in inner.members}
        assert {name.lower() for name in named} <= lower, value


@pytest.mark.parametrize(("document", "words"), _commands("duologue-pstn"), ids=lambda part: " ".join(part[:2]))
def test_a_command_of_a_node_exists(document: str, words: list[str]):
    assert any(words[: len(known.split())] == known.split() for known in COMMANDS), document


def test_parameters_and_names_in_the_commands_of_the_page_are_those_of_the_templates():
    """Of pstn.yaml as the stack `pstn`, and of the platform, which SAM deploys."""
    ours, platform = read_yaml(ROOT / "pstn.yaml"), read_template()
    for line in _code("docs/pstn-nodes.md"):
        if "--parameter-overrides" in line:
            template = platform if "sam deploy" in line else ours
            given = set(re.findall(r" ([A-Z]\w+)=", line))
            assert given and given <= template["Parameters"].keys(), line
    text = (ROOT / "docs/pstn-nodes.md").read_text(encoding="utf-8")
    made = re.findall(r"Name: !Sub \$\{AWS::StackName\}(-[a-z-]+)", (ROOT / "pstn.yaml").read_text(encoding="utf-8"))
    named = re.findall(r"(?:--auto-scaling-group-name |--secret-id |NodesTable=|NodeSecret=)pstn(-[a-z-]+)", text)
    assert named and set(named) <= set(made)
    first = next(line for line in _code("docs/pstn-nodes.md") if "cloudformation deploy" in line)
    required = {name for name, about in ours["Parameters"].items() if "Default" not in about}
    assert required <= set(re.findall(r" ([A-Z]\w+)=", first)), "of the first deployment"


def test_the_units_and_targets_that_the_page_names_exist():
    units = {path.name for path in (ROOT / "pstn/debian/units").iterdir()}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = (ROOT / "docs/pstn-nodes.md").read_text(encoding="utf-8")
    named = set(re.findall(r"systemctl \w+ (duologue-[\w@-]+)", text)) | set(
        re.findall(r"`(duologue-[\w@-]+@\w*)`", text)
    )
    assert {re.sub(r"@\w*$", "@", name) + ".service" for name in named} <= units
    assert set(re.findall(r"(?:^ *|`)make ([a-z][a-z-]+)", text, re.MULTILINE)) <= targets
