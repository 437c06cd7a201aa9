"""Functions from the source of this clone, each in a process of its own, with its environment in the lab."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.e2e.build import driver
from tests.e2e.build.output import FUNCTIONS, Deployed, account_of, environments
from tools.template import ROOT


class LocalFunctions:
    """Started when they are first invoked; they end with `close`."""

    def __init__(self, lab: Deployed) -> None:
        self._lab = lab
        self._variables = environments(lab)
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def invoke(self, folder: str, event: dict[str, Any]) -> Any:
        """The reply, or the error that it raised as Lambda writes it. What it logs goes to standard error."""
        if folder not in self._processes:
            self._processes[folder] = self._started(folder)
        process = self._processes[folder]
        said = self._say(process, event)
        if not said:
            raise RuntimeError(f"{folder} ended with {process.wait()}")
        return json.loads(said)

    def close(self) -> None:
        for process in self._processes.values():
            process.communicate()

    def _started(self, folder: str) -> "subprocess.Popen[str]":
        where = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self._lab.aws_url}
        process = subprocess.Popen(
            [sys.executable, driver.__file__],
            env={**where, **account_of(self._lab), **self._variables[FUNCTIONS[folder].logical_id]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin
        path = [str(ROOT / "functions" / folder), str(ROOT / "layers" / "core")]
        process.stdin.write(json.dumps(path) + "\n")
        return process

    @staticmethod
    def _say(process: "subprocess.Popen[str]", event: dict[str, Any]) -> str:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(event) + "\n")
        process.stdin.flush()
        return process.stdout.readline()
