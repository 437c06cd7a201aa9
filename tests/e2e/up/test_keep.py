"""`make up ARGS=--keep`: accounts, calls and recordings outlive a restart, whether the lab was ended or killed."""

import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.sp.client import Account, Reply, SpClient
from tests.e2e.up.processes import FREE, read_until, start

LONGEST_S = 120.0


class Up:
    """A lab that keeps its state in a folder, and its SP as the file for a second terminal describes it."""

    def __init__(self, folder: Path) -> None:
        self.process = start("up", *FREE, "--virtual", "--keep", "--state-dir", str(folder))
        self.guide = read_until(self.process, "Stop with Ctrl-C.")
        lines = [shlex.split(line) for line in (folder / "env").read_text().splitlines() if line.startswith("export ")]
        self.env = dict(words[1].split("=", 1) for words in lines)
        account = Account(*(self.env[name] for name in ("APP_KEY", "APP_SECRET", "SP_USERNAME", "SP_PASSWORD")))
        self.sp = SpClient(self.env["API"], account)
        self.sp.access_token = self.env["ACCESS_TOKEN"]

    def place(self, callee: str, **more: Any) -> str:
        return str(self.sp.place(callerNbr="+12025550111", calleeNbr=callee, **more).body["sessionId"])

    def until(self, request: Callable[[], Reply], condition: Callable[[Reply], bool]) -> Reply:
        deadline = time.monotonic() + LONGEST_S
        while not condition(reply := request()):
            assert time.monotonic() < deadline, reply
            time.sleep(0.3)
        return reply

    def look_up_until(self, session: str, condition: Callable[[dict], bool]) -> dict:
        return self.until(lambda: self.sp.look_up(session), lambda reply: condition(reply.body)).body

    def end(self, how: signal.Signals) -> str:
        self.process.send_signal(how)
        said, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == (0 if how == signal.SIGTERM else -how)
        return said


@pytest.fixture
def up(tmp_path):
    """Starts a lab; the same folder each time."""
    begun = []

    def begin() -> Up:
        begun.append(Up(tmp_path))
        return begun[-1]

    yield begin
    for each in begun:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def operate(up: Up, *words: str) -> int:
    """The operator's command; its exit code."""
    command = [sys.executable, "-m", "duologue.operator", *words]
    return subprocess.run(command, env={**os.environ, **up.env}, capture_output=True, check=False).returncode


def saved_since(folder: Path, text: str) -> None:
    deadline = time.monotonic() + LONGEST_S
    while text not in (folder / "kept" / "state.json").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_accounts_calls_and_recordings_outlive_a_kill_and_an_end(up, tmp_path):
    first = up()
    recorded = first.place("+12025550113", recordFlag="true")
    first.look_up_until(recorded, lambda call: "recording" in call)
    first.sp.stop(recorded)
    name = first.look_up_until(recorded, lambda call: call["phase"] == "over")["recording"]["recordObjectName"]
    domain = recorded.partition("@")[2]
    link = first.until(lambda: first.sp.record(name, domain), lambda reply: reply.status == 301).headers["Location"]
    told = first.look_up_until(
        recorded, lambda call: all("told" in fact for fact in call["facts"] if "eventType" in fact)
    )
    sound = urllib.request.urlopen(link, timeout=30).read()
    cut_off = first.place("+12025550115")
    first.look_up_until(cut_off, lambda call: call["phase"] == "talking")
    assert operate(first, "sp", "add", "another", "--username", "another") == 0
    saved_since(tmp_path, "USERNAME#another")  # the audit names it before it is there
    first.end(signal.SIGKILL)

    second = up()
    same = ("API", "APP_KEY", "APP_SECRET", "SP_USERNAME", "SP_PASSWORD", "STATUS_URL", "AWS_ENDPOINT_URL")
    assert {key: second.env[key] for key in same} == {key: first.env[key] for key in same}
    assert second.sp.look_up(recorded).body == told
    assert operate(second, "sp", "add", "another", "--username", "another") != 0, "there is one"
    assert urllib.request.urlopen(link, timeout=30).read() == sound
    second.sp.access_token = first.env["ACCESS_TOKEN"]
    assert second.sp.look_up(recorded).status == 200, "a token is valid for as long as it was"
    assert second.sp.look_up(cut_off).body["phase"] == "talking"
    assert second.sp.stop(cut_off).code == "0"
    assert second.sp.look_up(cut_off).body["phase"] == "ending", "the sweeper finalizes it, minutes later"
    going_on = second.place("+12025550114")
    second.look_up_until(going_on, lambda call: call["phase"] == "talking")
    assert "← CDR" in second.end(signal.SIGTERM), "a call that was up is ended, and its SP is told"

    third = up()
    over = third.sp.look_up(going_on).body
    assert (over["phase"], over["ending"]["stateCode"]) == ("over", 0)
    assert third.sp.look_up(recorded).body == told
    third.end(signal.SIGTERM)
