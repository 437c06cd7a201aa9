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

ROOT = Path(__file__).parent.parent
BARE = "a bare client"

# What a function makes on its first event, and then keeps.
_MAKES = {
    "callback_api": (("parts",),),
    "call_control": (("parts",), ("prompts",)),
    "notify_sp": (("parts",),),
    "outbox": (("parts",),),
    "provision_pstn": (("patient", "chime-sdk-voice"),),
    "sessions": (("parts",),),
    "settle": (("parts",), ("network",)),
    "sweep": (("parts",), ("network",)),
}

# As template.yaml names them; what they name is not asked for.
_ENVIRONMENT = {
    "CALLS_TABLE": "calls",
    "ACCOUNTS_TABLE": "accounts",
    "KEEP_CALLS_DAYS": "90",
    "HOST_NAME": "duologue.example.com",
    "SECRETS_KEY": "key",
    "STATE_MACHINE": "arn:aws:states:us-east-1:111122223333:stateMachine:callback",
    "SIP_MEDIA_APPLICATION_ID": "b7d1a0c4-2c1f-4c55-8f0e-0d9e5a7b3c12",
    "CALLER_RING_SECONDS": "120",
    "CALLEE_RING_SECONDS": "30",
    "PROMPTS_BUCKET": "prompts",
    "FIRST_QUEUE": "http://127.0.0.1/first",
    "RETRY_QUEUE": "http://127.0.0.1/retry",
    "UNDELIVERED": "http://127.0.0.1/undelivered",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class StartFailed(Exception):
    """A function did not start; the text is its trace."""


@dataclass(frozen=True)
class Start:
    """Milliseconds of each round."""

    function: str
    rounds: tuple[float, ...]

    @property
    def typical(self) -> float:
        return median(self.rounds)


def functions() -> list[str]:
    """The folders of functions, each of which must be known here."""
    return sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))


def time_starts(rounds: int, state_dir: Path) -> list[Start]:
    """The bare one first, then every function. Raises StartFailed, LayerError."""
    layers = [
        str(built_layer(ROOT / "layers" / name, state_dir / "layers") / "python") for name in ("core", "dependencies")
    ]
    runtime = str(runtime_path(state_dir))
    orders: dict[str, dict[str, Any]] = {
        BARE: {"path": [str(ROOT / "bench" / "bare"), runtime], "module": "handler", "make": ()}
    }
    for name in functions():
        orders[name] = {
            "path": [str(ROOT / "functions" / name), *layers, runtime],
            "module": "handler",
            "make": _MAKES[name],
        }
    took: dict[str, list[float]] = {name: [] for name in orders}
    for number in range(rounds + 1):
        for name, order in orders.items():
            spent = _start(json.dumps(order))
            if number:  # the first round brings the files into memory
                took[name].append(spent)
    return [Start(name, tuple(spent)) for name, spent in took.items()]


def _start(order: str) -> float:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "bench" / "cold_driver.py")],
        input=order + "\n",
        env={"PATH": os.environ.get("PATH", ""), **_ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StartFailed(done.stderr)
    return float(done.stdout)
