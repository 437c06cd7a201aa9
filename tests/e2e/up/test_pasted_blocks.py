"""Every shell block of the documents for users works as it is pasted, one after the other, while `make up` runs."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.lab import ROOT
from lab.sp.client import Account, SpClient
from tests.e2e.up.processes import FREE, read_until, start

DOCUMENTS = ("README.md", "docs/api.md", "examples/README.md")
SHELLS = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
"""Interactive, as a user's: zsh then takes no comments, and a `?` outside quotes is a pattern for file names."""
NOT_PASTED = {
    "make demo": "it starts a lab of its own",
    "make up": "the lab that the others are pasted beside",
    "make build": "it deploys to an AWS account",
}
LONGEST_S = 120.0
_SHELL_WORDS = re.compile(r"^\s*(curl|export|make|node|python3?|\. |\.venv|\w+=[$'\"(])", re.MULTILINE)
_FAILURE = re.compile(r"not found|no matches|parse error|syntax error|Traceback|unbound|bad substitution|: error:")


def blocks(document: str) -> list[tuple[str, str]]:
    """The language and the text of each fenced block."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


PASTED = [
    (document, text)
    for document in DOCUMENTS
    for language, text in blocks(document)
    if language == "sh" and not text.startswith(tuple(NOT_PASTED))
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_of_commands_is_marked_as_one(document):
    assert [text for language, text in blocks(document) if language != "sh" and _SHELL_WORDS.search(text)] == []


class Terminal:
    """A shell that gets one block after the other. It is killed after LONGEST_S."""

    def __init__(self, command: list[str], folder: Path) -> None:
        pipe = subprocess.PIPE
        self._shell = subprocess.Popen(
            command, cwd=folder, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )
        self._limit = threading.Timer(LONGEST_S, self._shell.kill)
        self._limit.start()
        self.paste("PS1= PS2= PROMPT=\n")

    def paste(self, text: str) -> tuple[int, str]:
        """The status of its last command, and what it printed."""
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(f"{text}printf '\\n==%s==\\n' $?\n")
        self._shell.stdin.flush()
        printed: list[str] = []
        for line in self._shell.stdout:
            if status := re.search(r"^==(\d+)==$", line):
                return int(status[1]), "".join(printed)
            printed.append(line)
        raise AssertionError("the shell ended after:\n" + "".join(printed))

    def close(self) -> None:
        self._limit.cancel()
        self._shell.kill()
        self._shell.wait()


@pytest.fixture(params=SHELLS)
def terminal(request, tmp_path) -> Iterator[tuple[Terminal, Path]]:
    """A shell in a folder that looks like a clone in which `make up` runs, and the file that this wrote."""
    if not shutil.which(request.param):
        pytest.skip(f"there is no {request.param} on PATH")
    for program in ("curl", "openssl", "node"):
        if not shutil.which(program):
            pytest.skip(f"there is no {program} on PATH")
    for name, there in {"examples": ROOT / "examples", ".venv": Path(sys.prefix)}.items():
        (tmp_path / name).symlink_to(there)
    up = start("up", *FREE, "--virtual", "--state-dir", str(tmp_path / ".lab"))
    try:
        read_until(up, "Stop with Ctrl-C.")
        threading.Thread(target=up.stdout.read, daemon=True).start()  # so that it never waits for a reader
        shell = Terminal(SHELLS[request.param], tmp_path)
        yield shell, tmp_path / ".lab" / "env"
        shell.close()
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0


def test_each_block_does_what_it_says(terminal):
    """A document is begun when the calls of the one before are over, as its reader would."""
    shell, env = terminal
    sp = client(env)
    record = place_recorded(sp)
    for document in DOCUMENTS:
        sessions: set[str] = set()
        for text in [text for source, text in PASTED if source == document]:
            if "$RECORD" in text:
                shell.paste(f"RECORD={recording_of(sp, record)}\n")
            status, printed = shell.paste(text)
            where = f"{document}:\n{text}\nprinted\n{printed}"
            assert status == 0, where
            assert not _FAILURE.search(printed), where
            codes = re.findall(r'"resultcode": ?"(\d+)"', printed)
            assert set(codes) <= {"0"}, where
            assert codes or "$API" not in text or " 301 " in printed, where
            sessions |= set(re.findall(r"\d+_\d+_\d+_\d{14}@[\w.]+", printed))
            if "call.wav" in text:
                assert env.parent.with_name("call.wav").read_bytes()[:4] == b"RIFF"
        for session in sessions:
            look_up_until(sp, session, over)


def over(found: dict[str, Any]) -> bool:
    """Of a call that the platform knows: a session that it does not know is waited for, and told with its answer."""
    return found.get("phase") == "over"


def client(env: Path) -> SpClient:
    """The SP of the file, with its token."""
    lines = [shlex.split(line) for line in env.read_text().splitlines() if line.startswith("export ")]
    values = dict(words[1].split("=", 1) for words in lines)
    account = Account(*(values[name] for name in ("APP_KEY", "APP_SECRET", "SP_USERNAME", "SP_PASSWORD")))
    sp = SpClient(values["API"], account)
    sp.access_token = values["ACCESS_TOKEN"]
    return sp


def place_recorded(sp: SpClient) -> str:
    """Place a call of its own that is recorded, between numbers that no document names."""
    placed = sp.place(callerNbr="+12025550112", calleeNbr="+12025550113", recordFlag="true")
    return str(placed.body["sessionId"])


def recording_of(sp: SpClient, session: str) -> str:
    """Stop the call once it is recorded; the name of its recording when that can be fetched."""
    look_up_until(sp, session, lambda found: "recording" in found)
    sp.stop(session)
    found = look_up_until(sp, session, over)
    name = str(found["recording"]["recordObjectName"])
    look_up_until(sp, session, lambda _: sp.record(name, session.partition("@")[2]).status == 301)
    return name


def look_up_until(sp: SpClient, session: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + LONGEST_S
    while not condition(found := sp.look_up(session).body):
        assert time.monotonic() < deadline, f"{session}: {json.dumps(found)}"
        time.sleep(0.5)
    return found
