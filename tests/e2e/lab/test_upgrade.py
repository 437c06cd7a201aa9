"""The stack is updated while calls are up: code and layers change together for whoever invokes a function."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

import pytest

from lab.aws.overlay import timing
from lab.cases.catalogue import named
from lab.cases.play import Played
from lab.cases.player import PAIRS
from lab.lab import ROOT
from pstn.lines.behaviours import answers
from tests.e2e.waiting import until
from tools.template import functions, read_template

CALLS = 20
PAUSE_S = 0.123
"""Between the steps of a function's update: a value by which this pause is known."""
TALK = replace(named("talked"), callee=answers(1.0), seconds=600.0)
SHORT = replace(named("talked"), seconds=600.0)


@pytest.fixture
def next_release(tmp_path):
    """A copy of the product whose handlers need what only its own layer has; its template."""
    for name in ("functions", "statemachines", "layers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (tmp_path / "layers/core/duologue/next_release.py").write_text("IS_HERE = True\n", encoding="utf-8")
    for handler in (tmp_path / "functions").glob("*/handler.py"):
        text = handler.read_text(encoding="utf-8")
        handler.write_text(text + "\nfrom duologue.next_release import IS_HERE  # noqa\n", encoding="utf-8")
    return shutil.copy(ROOT / "template.yaml", tmp_path / "template.yaml")


@pytest.fixture
def between(lab, monkeypatch):
    """Has a function's new code invoked with its old layers: what is appended runs then, once for each function."""
    usual, stock, steps = lab.cloud.switches, timing.paused, list[Callable[[], object]]()

    def paused(seconds: float) -> bool:
        if seconds != PAUSE_S:
            return stock(seconds)
        for step in steps:
            step()
        return True

    monkeypatch.setattr(timing, "paused", paused)
    lab.cloud.switches = replace(usual, update_pause_s=PAUSE_S)
    yield steps
    lab.cloud.switches = usual


def _versions(lab) -> dict[str, str]:
    client = lab.client("lambda")
    return {
        function.folder: client.get_alias(FunctionName=lab.resources[function.logical_id], Name="live")[
            "FunctionVersion"
        ]
        for function in functions(read_template())
    }


def _failures(lab, since: float) -> list[str]:
    """What went wrong in a function by its logs, such as `Runtime.ImportModuleError`. `since`: epoch seconds."""
    logs, found = lab.client("logs"), []
    for function in functions(read_template()):
        events = logs.filter_log_events(
            logGroupName=lab.resources[f"{function.logical_id[:-8]}Log"], startTime=int(since * 1000)
        )["events"]
        lines = [line for event in events for line in event["message"].splitlines()]
        found += [line for line in lines if "next_release" in line or "[ERROR]" in line or "ImportModuleError" in line]
    return found


def _lost(played: Played) -> list[str]:
    """What the update has cost this call. Not how long it took: each new version starts its processes anew.

    Nor that a table took too long to answer on a busy machine, whereupon the network repeats the event.
    """
    reasons = [str(event.detail["reason"]) for event in played.network_events if event.kind == "failure"]
    failed = [reason for reason in reasons if "OutsideUnavailable" not in reason]
    ended = [] if played.disconnect.get("stateCode") == 0 else [f"disconnect: {played.disconnect}"]
    told = [] if played.steps[-1:] == ["fee"] else [f"notified of {played.steps}"]
    return failed + ended + told + [f"left over: {each}" for each in played.left_over]


def test_an_update_while_calls_are_up_loses_no_leg_and_fails_no_invocation(
    quiet, lab, talking, leave, between, next_release
):
    """A call ends while a function is half updated, one for each function; the others when the update is over."""
    before, since, phones = _versions(lab), time.time(), lab.pstn.exchange.phones
    placed = list[Future[Played]]()
    while (up := talking() // 2) < CALLS:  # a busy machine may lose one of many that begin at once
        placed.extend(quiet.at_once([TALK] * min(5, CALLS - up)))
        until(lambda: talking() // 2 + sum(each.done() for each in placed) == len(placed), 400)
    talks = [each for each in placed if not each.done()]
    pairs = iter([pair for pair in PAIRS if phones[pair.callee].current])

    def one_call_ends() -> None:
        pair = next(pairs)
        leave([pair.callee])
        until(lambda: not phones[pair.caller].current)

    between.append(one_call_ends)
    lab.update(next_release)
    assert talking() == 2 * (CALLS - len(before))
    leave(pair.callee for pair in pairs)
    after = quiet.at_once([SHORT] * 2)
    played = [each.result(600) for each in [*talks, *after]]
    assert [_lost(each) for each in played] == [[]] * len(played)
    assert {name: int(version) for name, version in _versions(lab).items()} == {
        name: int(version) + 1 for name, version in before.items()
    }
    assert _failures(lab, since) == []
