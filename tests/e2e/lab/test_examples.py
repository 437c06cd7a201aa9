"""The clients in examples/ do what they say, over HTTP against the running lab, with nothing of ours beside them."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from lab.lab import ROOT
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone

CALLER, CALLEE = "+12025550102", "+12025550103"
_NODE = shutil.which("node")


@pytest.fixture
def run(lab, quiet, new_sp, request):
    """Runs one client with an account of its own, and gives the objects that it printed."""
    sp = new_sp("example-" + request.node.name.removeprefix("test_").replace("_", "-"), log_in=False)
    phones = lab.pstn.exchange.phones
    phones[CALLER] = Phone(answers(0.5, leaves_after_peer=0.5))
    phones[CALLEE] = Phone(answers(0.5, talks=1.0))

    def start(*command: str, refused: bool = False, **other: str) -> list[dict[str, Any]]:
        account = {
            "API": lab.api_url,
            "APP_KEY": sp.account.app_key,
            "APP_SECRET": sp.account.app_secret,
            "SP_USERNAME": sp.account.username,
            "SP_PASSWORD": sp.account.password,
            "CALLER": CALLER,
            "CALLEE": CALLEE,
        }
        done = subprocess.run(
            command,
            env={"PATH": os.environ["PATH"], **account, **other},
            cwd=ROOT / "examples",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if refused:
            assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        else:
            assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return start


def test_python_with_a_token(run):
    said = run(sys.executable, "-I", "python_token.py")
    session = next(each["placed"] for each in said if "placed" in each)
    events = [each["event"] for each in said if "event" in each]
    assert events[0] == "callout"
    assert events.count("answer") == 2
    assert events[-1] == "disconnect"
    record = next(each["record"] for each in said if "record" in each)
    assert (record["sessionId"], record["ulFailReason"], record["userData"]) == (session, 0, "order-17")
    assert said[-1] == {"out": "Success"}


def test_python_with_a_signature(run):
    placed, stopped = run(sys.executable, "-I", "python_aksk.py")
    assert "@" in placed["placed"]
    assert stopped == {"stopped": "Success"}


def test_refusal_is_one_line(run):
    assert run(sys.executable, "-I", "python_aksk.py", refused=True, APP_SECRET="another") == []


@pytest.mark.skipif(_NODE is None, reason="there is no node on PATH")
def test_javascript_with_a_token(run):
    said = run(str(_NODE), "javascript_token.mjs")
    ended = [each for each in said if each.get("event") == "disconnect"]
    assert [each["stateCode"] for each in ended] == [8017]
    assert {"stopped": "Success"} in said
