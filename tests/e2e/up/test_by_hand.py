"""docs/sam-local.md beside `make up`: samples are run, and the page's commands as a reader pastes them."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand.functions import LocalFunctions
from tests.by_hand.needs import SAMPLES, name_of, need_of
from tests.by_hand.running import RunningLab, prepared, running
from tests.e2e.build.output import check_reply
from tests.e2e.up.processes import FREE, ROOT, read_until, start

_PORT = "3000"
_LIMIT_S = 300
"""Only against what hangs."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Looks like a clone in which `make up` runs."""
    clone = tmp_path_factory.mktemp("clone")
    for entry in ROOT.iterdir():
        if entry.name not in (".lab", ".git"):
            (clone / entry.name).symlink_to(entry)
    up = start("up", *FREE, "--virtual", "--state-dir", str(clone / ".lab"))
    try:
        read_until(up, "Stop with Ctrl-C.")
        threading.Thread(target=up.stdout.read, daemon=True).start()  # so that it never waits for a reader
        yield clone
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0


@pytest.fixture(scope="module")
def lab(folder: Path) -> RunningLab:
    return running(folder / ".lab")


@pytest.fixture(scope="module")
def functions(lab: RunningLab) -> Iterator[LocalFunctions]:
    started = LocalFunctions(lab)
    yield started
    started.close()


_RUN = {(each.parent.name, need_of(each)): each for each in SAMPLES}.values()
"""One of each function and need; tests/e2e/build runs all of them, in a lab of its own."""


@pytest.mark.parametrize("sample", _RUN, ids=name_of)
def test_a_sample_is_answered_against_a_lab_of_another_process(
    sample: Path, lab: RunningLab, functions: LocalFunctions
):
    check_reply(sample, functions.invoke(sample.parent.name, prepared(lab, sample)), lab)


def blocks() -> list[str]:
    text = (ROOT / "docs" / "sam-local.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def ran(text: str, folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
        env=_environment(),
    )
    return done.returncode, done.stdout, done.stderr


def _environment() -> dict[str, str]:
    """Of a user: no engine of CI, no settings of this run."""
    return {**os.environ, "DOCKER_HOST": "unix:///nowhere"}


def test_the_commands_of_the_page(folder: Path):
    listed, invoked, asked = blocks()
    status, printed, _ = ran(listed, folder)
    assert (status, len(printed.splitlines())) == (0, len(SAMPLES))
    for command in invoked.splitlines():
        status, printed, said = ran(command, folder)
        assert status == 0, said
        assert "Running in a process of this machine" in said
        assert json.loads(printed)["statusCode"] == 200
    api = subprocess.Popen(
        [sys.executable, "-m", "tests.by_hand", "start-api", "--port", "0"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=_environment(),
    )
    try:
        [port] = re.findall(r"^API: http://127\.0\.0\.1:(\d+)$", read_until(api, "Stop with Ctrl-C."), re.MULTILINE)
        status, printed, said = ran(asked.replace(_PORT, port), folder)
        placed: dict[str, Any] = json.loads(printed)
        assert (status, placed["resultcode"]) == (0, "0"), said
    finally:
        api.send_signal(signal.SIGINT)
        assert api.wait(30) == 0


def test_a_command_without_a_lab_says_what_to_do(tmp_path: Path):
    words = [sys.executable, "-m", "tests.by_hand", "invoke", "sweep", "minute_passed", "--state-dir", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    assert (done.returncode, "start the lab by make up" in done.stderr) == (1, True)
