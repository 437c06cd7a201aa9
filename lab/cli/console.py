"""The operator's console of a running lab: the platform's own command, as a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping

PORT = 8089
_STOPPING_S = 10.0
_ADDRESS = re.compile(r"^CONSOLE +(http://\S+?)/? ")


class Console:
    """From its start to `close`. `environment`: where the platform's AWS is, as the AWS SDKs read it."""

    def __init__(self, environment: Mapping[str, str], *, port: int, stack: str = "duologue") -> None:
        """Starts the process; whether it serves, `url` says."""
        operator = ("duologue.operator", "--stack", stack, "console", "--port", str(port))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lab.cli.ends_with_lab", *operator],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl-C in the terminal is for the lab, which then ends it
        )
        self._url: str | None = None

    @property
    def url(self) -> str:
        """Waits until it serves. Empty: it does not, for the reason that it has printed, or it has ended."""
        if self._url is None:
            assert self._process.stdout is not None
            said = _ADDRESS.match(self._process.stdout.readline())
            self._url = said[1] if said else ""
        return self._url if self._process.poll() is None else ""

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.communicate(timeout=_STOPPING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
