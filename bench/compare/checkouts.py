"""The base as a checkout of its own, and a laboratory that runs from a checkout.

The base is a clone below `.lab/compare`, installed by its own `make install`; it stays there for the next comparison.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import tree
from tools.template import ROOT

SCRATCH = ROOT / ".lab" / "compare"
_INSTALL_S, _START_S, _STOP_S = 600.0, 120.0, 25.0


class NoLab(Exception):
    """A checkout could not be had, or its laboratory did not start."""


@dataclass(frozen=True)
class Checkout:
    """`commit`: as `git describe` says it, with `-dirty` for changes that are not committed."""

    name: str
    commit: str
    root: Path


def head() -> Checkout:
    """This working tree, with what is not committed yet."""
    return Checkout("this tree", _git(ROOT, "describe", "--always", "--dirty", "--exclude=*"), ROOT)


def base(ref: str) -> Checkout:
    """A clone at `ref`, installed. Raises: NoLab."""
    commit = _git(ROOT, "rev-parse", "--verify", f"{ref}^{{commit}}")
    root = SCRATCH / commit[:12]
    if not (root / ".git").exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        _git(ROOT, "clone", "--quiet", "--shared", "--no-checkout", ".", str(root))
    _git(root, "checkout", "--quiet", "--detach", commit)
    try:
        done = subprocess.run(
            ["make", "--no-print-directory", "install"],
            cwd=root,
            env=_environment(),
            timeout=_INSTALL_S,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise NoLab(f"make install in {root} took longer than {_INSTALL_S:.0f} s") from late
    if done.returncode:
        raise NoLab(f"make install in {root} failed:\n{done.stdout[-2000:]}")
    return Checkout(ref, _git(root, "describe", "--always", "--exclude=*"), root)


def _git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(where), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoLab(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def _environment() -> dict[str, str]:
    """This process's, without what would lead a checkout to another one's packages or to a real AWS account."""
    strange = ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "BASE", "ARGS")
    return {name: value for name, value in os.environ.items() if name not in strange and not name.startswith("AWS_")}


@dataclass(frozen=True)
class RunningLab:
    """`about`: its own file says where it is."""

    checkout: Checkout
    pid: int
    about: Mapping[str, Any]

    @property
    def api_url(self) -> str:
        return str(self.about["api_url"])

    @property
    def display_numbers(self) -> tuple[str, str]:
        """The last two: the laboratory's own SP may have the first ones."""
        owned = str(self.about["outputs"]["DisplayNumbers"]).split(",")
        return owned[-2:][0], owned[-1]

    def switch(self, **values: Any) -> None:
        """Change how the telephone network behaves. Raises: OSError."""
        content = json.dumps(values).encode()
        url = f"{self.about['aws_url']}/_lab/switches"
        request = urllib.request.Request(url, content, {"Content-Type": "application/json"}, method="PUT")
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    def open_account(self) -> dict[str, str]:
        """What the operator's two commands print, together. Raises: NoLab."""
        said = self._operate("sp", "add", "bench", "--username", "bench@example.com")
        first, second = self.display_numbers
        numbers = ("--display-number", first, "--display-number", second)
        return said | self._operate("app", "add", "bench", *numbers, "--calls-per-second", "100")

    def _operate(self, *arguments: str) -> dict[str, str]:
        command = [str(self.checkout.root / ".venv" / "bin" / "duologue"), *arguments]
        environment = _environment() | dict(self.about["environment"])
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        try:
            said: dict[str, str] = json.loads(done.stdout)
        except ValueError as error:
            raise NoLab(f"duologue {' '.join(arguments)}: {done.stdout}{done.stderr}") from error
        return said


@contextmanager
def running(
    checkout: Checkout, label: str, telephones: Mapping[str, str], options: Sequence[str] = ()
) -> Iterator[RunningLab]:
    """A laboratory on ports of its own; it and all that it started have ended afterwards. Raises: NoLab.

    `options`: of its command, besides.
    """
    state = SCRATCH / f"state-{label}"
    state.mkdir(parents=True, exist_ok=True)
    (state / "lab.json").unlink(missing_ok=True)
    (state / "telephones.json").write_text(json.dumps(telephones) + "\n", encoding="utf-8")
    python = str(checkout.root / ".venv" / "bin" / "python")
    usage = [python, "-m", "lab", "up", "--help"]
    known = subprocess.run(usage, cwd=checkout.root, env=_environment(), capture_output=True, text=True, check=False)
    ports = sorted(set(re.findall(r"--[a-z]+-port\b", known.stdout)))
    command = [python, "-m", "lab", "up", "--state-dir", str(state)]
    command += [*options, *(part for port in ports for part in (port, "0"))]
    with (SCRATCH / f"{label}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=checkout.root, env=_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            yield RunningLab(checkout, process.pid, _announced(process, state / "lab.json", Path(log.name)))
        finally:
            _end(process)


def _announced(process: "subprocess.Popen[bytes]", file: Path, log: Path) -> dict[str, Any]:
    ends = time.monotonic() + _START_S
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):  # not there, or not whole yet
            about: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return about
        time.sleep(0.1)
    raise NoLab(f"the laboratory did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """First it is asked; what is left of it then is killed."""
    started = tree(process.pid)
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for old in started:
        if any((left.pid, left.born) == (old.pid, old.born) for left in tree(old.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(old.pid, signal.SIGKILL)
