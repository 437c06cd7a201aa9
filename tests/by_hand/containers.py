"""`sam local`, with functions in containers that reach the lab of this machine."""

import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.by_hand.forwarder import forwarded
from tests.e2e.build.output import BUILT, Deployed, account_of, environments
from tools.template import ROOT

_SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
_TEMPLATE = BUILT / "by-hand.yaml"
_VARIABLES = "    Environment:\n      Variables:\n"


class NoContainers(Exception):
    """Functions cannot be run in containers here; the text is the reason to print."""


@dataclass(frozen=True)
class Containers:
    """`host`: the lab's address and port as containers see it."""

    host: str
    _options: tuple[str, ...]
    _environment: dict[str, str]

    def sam(self, command: str, *words: str) -> int:
        """Run `sam local <command>` to its end, and return its status."""
        done = subprocess.run(
            [str(_SAM), "local", command, *words, *self._options], cwd=ROOT, env=self._environment, check=False
        )
        return done.returncode


@contextmanager
def containers(lab: Deployed, options: Sequence[str]) -> Iterator[Containers]:
    """`options`: further ones for `sam local`.

    Raises:
        NoContainers: no engine answers, or there is no build output.
    """
    address, host = _bridge()
    if not (_SAM.is_file() and (BUILT / "template.yaml").is_file()):
        raise NoContainers("there is no build output: make build")
    with forwarded(address, lab.aws_url) as port, tempfile.TemporaryDirectory() as folder:
        seen = f"{host}:{port}"
        _TEMPLATE.write_text(_with_endpoint((BUILT / "template.yaml").read_text(encoding="utf-8")), encoding="utf-8")
        endpoint = {"AWS_ENDPOINT_URL": f"http://{seen}"}
        variables = Path(folder, "variables.json")
        given = {name: values | endpoint for name, values in environments(lab, seen).items()}
        variables.write_text(json.dumps(given), encoding="utf-8")
        environment = {
            **os.environ,
            **account_of(lab),
            "AWS_ENDPOINT_URL_STS": lab.aws_url,  # SAM CLI asks who it is, and waits for seconds if nobody answers
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
        }
        environment.pop("AWS_ENDPOINT_URL", None)
        yield Containers(seen, ("--template", str(_TEMPLATE), "--env-vars", str(variables), *options), environment)


def _bridge() -> tuple[str, str]:
    """Where to listen, and the name by which containers reach that. Raises NoContainers."""
    if not shutil.which("docker"):
        raise NoContainers("there is no docker on PATH")
    question = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    said = subprocess.run(question, capture_output=True, text=True, check=False)
    if said.returncode:
        raise NoContainers(f"no container engine answers ({said.stderr.strip().splitlines()[-1]})")
    if platform.system() == "Linux":
        return said.stdout.strip(), said.stdout.strip()
    return "127.0.0.1", "host.docker.internal"  # the engine is in a virtual machine, which leads that to the loopback


def _with_endpoint(template: str) -> str:
    """SAM CLI passes on only variables that the template names."""
    before, found, after = template.partition(_VARIABLES)
    assert found, "the template's Globals have variables"
    return f'{before}{found}        AWS_ENDPOINT_URL: ""\n{after}'
