"""`make cruel` with fewer callbacks; in a process of its own, since a process holds one cloud, and its clock jumps."""

import json
import subprocess
import sys

import pytest

CALLS = 15
_TIMEOUT_S = 1800
"""Only against a run that hangs."""
STRUCK = {
    "throttled_requests",
    "lost_answers",
    "killed_invocations",
    "repeated_events",
    "stream_order",
    "stream_batches",
    "clock_skew_s",
}
KILLED = ("worker", "sip", "sp")


@pytest.fixture(scope="module")
def cruelly():
    """The figures of one run, and what it printed."""
    kills = [word for kind in KILLED for word in ("--kill", kind)]
    command = [sys.executable, "-m", "lab", "cruel", "--calls", str(CALLS), "--at-once", "8", "--step-minutes", "240"]
    done = subprocess.run(
        [*command, "--kill-times", "3", *kills, "--json"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    *printed, figures = done.stdout.splitlines()
    return json.loads(figures), "\n".join(printed)


def test_every_promise_is_kept(cruelly):
    figures, printed = cruelly
    assert {each["what"]: each["broken"] for each in figures["promises"] if each["broken"]} == {}, printed


def test_there_was_something_to_keep(cruelly):
    """Each fault struck, each kind was killed, the SPs' servers failed; one was down for most of the schedule."""
    figures, printed = cruelly
    assert STRUCK - {name for name, count in figures["faults"].items() if count} == set(), printed
    assert {"server of the SP"} <= set(figures["killed"]), printed
    assert any("Function" in name for name in figures["killed"]), printed
    assert "SIP child" in figures["killed"] or "scripts only" in printed
    assert figures["hours"] >= 60
    assert figures["slots"] > 0, "so that none is held in the end says something"
    assert figures["talked"] > 0
    assert all(outcomes["acknowledged"] for outcomes in figures["posts"].values()), printed
    assert any(len(outcomes) > 1 for outcomes in figures["posts"].values()), printed
    without = [each["what"] for each in figures["promises"] if not each["cases"]]
    assert without in ([], ["every recording in a CDR can be downloaded"]), "a kill may end the recorded call"
