"""How long each function takes to start, against one that makes a bare DynamoDB client.

A fresh interpreter without this environment's packages; the function's folder, its layers with their bytecode, then
what Lambda's runtime brings: as on Lambda, but on this machine's disk and Python. The rounds are interleaved, so that
what else the machine does falls on all alike; a ratio of medians is what remains of it.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from lab.aws.layers import built_layer
from lab.aws.runtime import runtime_path
from tools.template import ROOT, Function, default_of, functions, read_template

BARE = "a bare client"

_ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class StartFailed(Exception):
    """A function did not start; the text is its trace."""


@dataclass(frozen=True)
class Start:
    """Milliseconds of each round. `clients`: how many of AWS it made."""

    function: str
    rounds: tuple[float, ...]
    clients: int

    @property
    def typical(self) -> float:
        return median(self.rounds)


def time_starts(rounds: int, state_dir: Path) -> list[Start]:
    """The bare one first, then every function. Raises StartFailed, LayerError."""
    layers = [
        str(built_layer(ROOT / "layers" / name, state_dir / "layers") / "python") for name in ("core", "dependencies")
    ]
    runtime = str(runtime_path(state_dir))
    template = read_template()
    runs = {BARE: (_order([str(ROOT / "bench" / "bare"), runtime]), _ENVIRONMENT)}
    for function in functions(template):
        path = [str(ROOT / "functions" / function.folder), *layers, runtime]
        runs[function.folder] = (_order(path), _environment(template, function))
    took: dict[str, list[float]] = {name: [] for name in runs}
    clients: dict[str, int] = {}
    for number in range(rounds + 1):
        for name, (order, environment) in runs.items():
            spent, clients[name] = _start(order, environment)
            if number:  # the first round brings the files into memory
                took[name].append(spent)
    return [Start(name, tuple(spent), clients[name]) for name, spent in took.items()]


def _order(path: list[str]) -> str:
    return json.dumps({"path": path, "module": "handler"}) + "\n"


def _environment(template: dict[str, Any], function: Function) -> dict[str, str]:
    """A function's variables as the template names them: parameters by their defaults, what AWS names by a word."""
    common = template["Globals"]["Function"]["Environment"]["Variables"]
    own = function.properties.get("Environment", {}).get("Variables", {})
    return {**_ENVIRONMENT, **{name: default_of(template, value) for name, value in {**common, **own}.items()}}


def _start(order: str, environment: dict[str, str]) -> tuple[float, int]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "bench" / "cold_driver.py")],
        input=order,
        env={"PATH": os.environ.get("PATH", ""), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StartFailed(done.stderr)
    spent, clients = done.stdout.split()
    return float(spent), int(clients)
