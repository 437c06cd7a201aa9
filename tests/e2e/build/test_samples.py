"""The built handlers answer their samples, with the built layers, under Lambda's own Python, against the lab."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.lab import Lab
from tests.by_hand.needs import SAMPLES, Need, name_of, need_of
from tests.e2e.build.output import (
    FUNCTIONS,
    LAYERS,
    account_of,
    build_output,
    check_reply,
    environments,
    event_for,
    lambda_python,
    runtime_packages,
)
from tests.e2e.build.world import renew_call, renew_memory


class Warm:
    """The built functions, each in one process that stays, as a warm Lambda does."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._variables = environments(lab)
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def answer(self, folder: str, event: dict[str, Any]) -> Any:
        """What the function of `folder` replies to `event`, or the error that it raised."""
        if folder not in self._processes:
            self._processes[folder] = self._started(folder)
        process = self._processes[folder]
        self._say(process, event)
        assert process.stdout
        said = process.stdout.readline()
        assert said, f"{folder} ended: see its captured standard error"
        return json.loads(said)

    def close(self) -> None:
        """End every process."""
        for process in self._processes.values():
            process.communicate()

    def _started(self, folder: str) -> "subprocess.Popen[str]":
        logical_id, built = FUNCTIONS[folder].logical_id, build_output()
        # Lambda's own order: the function, the layers, then what the runtime brings.
        path = [built / logical_id, *(built / layer / "python" for layer in LAYERS), runtime_packages()]
        where = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self._lab.aws_url}
        process = subprocess.Popen(
            [lambda_python(), "-I", "-B", Path(__file__).with_name("driver.py")],
            env={**where, **account_of(self._lab), **self._variables[logical_id]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say(process, [str(part) for part in path])
        return process

    @staticmethod
    def _say(process: "subprocess.Popen[str]", what: Any) -> None:
        assert process.stdin
        process.stdin.write(json.dumps(what) + "\n")
        process.stdin.flush()


@pytest.fixture(scope="module")
def warm(lab: Lab) -> Iterator[Warm]:
    """The functions of the build output, with the environment that each has in the lab."""
    functions = Warm(lab)
    yield functions
    functions.close()


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_a_built_handler_answers_its_sample(sample: Path, warm: Warm, lab: Lab):
    """With no more state than the table of samples names."""
    match need_of(sample):
        case Need.CALL | Need.CALL_AND_TOKEN | Need.RECORDING:
            renew_call(lab, sample)
        case Need.MEMORY:
            renew_memory(lab)
    check_reply(sample, warm.answer(sample.parent.name, event_for(sample, lab)), lab)
