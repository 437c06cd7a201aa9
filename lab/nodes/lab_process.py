"""A process that ends with the lab."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_END_S = 10.0


class ProcessError(Exception):
    """A process did not start; the message has the end of its log."""


class LabProcess:
    """Runs at once. `log`: gets its output. `environ`: variables in addition to ours."""

    def __init__(self, command: Sequence[str], log: Path, environ: Mapping[str, str]) -> None:
        guarded = [sys.executable, "-m", "lab.nodes.until_lab_ends", *command]
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                guarded, stdin=subprocess.PIPE, stdout=out, stderr=out, env={**os.environ, **environ}
            )

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def stop(self) -> None:
        """SIGTERM; SIGKILL if that is not enough."""
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
