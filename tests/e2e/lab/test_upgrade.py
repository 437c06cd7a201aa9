"""The stack is updated while calls are up: code and layers change together for whoever invokes a function."""

import shutil
import time
from dataclasses import replace

import pytest

from lab.cases.catalogue import named
from lab.cases.play import Played
from lab.lab import ROOT
from pstn.lines.behaviours import answers
from tools.template import functions, read_template

CALLS = 20
TALK = replace(named("talked"), callee=answers(1.0, talks=60.0), seconds=240.0)
SHORT = replace(named("talked"), seconds=240.0)


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
def in_two_steps(lab):
    """A function has its new code and its old layers for a while, as AWS updates it."""
    usual = lab.cloud.switches
    lab.cloud.switches = replace(usual, update_pause_s=0.5)
    yield
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
    """What the update has cost this call. Not how long it took: each new version starts its processes anew."""
    failed = [str(event.detail["reason"]) for event in played.network_events if event.kind == "failure"]
    ended = [] if played.disconnect.get("stateCode") == 0 else [f"disconnect: {played.disconnect}"]
    told = [] if played.steps[-1:] == ["fee"] else [f"notified of {played.steps}"]
    return failed + ended + told + [f"left over: {each}" for each in played.left_over]


def test_an_update_while_calls_are_up_loses_no_leg_and_fails_no_invocation(quiet, lab, in_two_steps, next_release):
    before, since = _versions(lab), time.time()
    talks = quiet.at_once([TALK] * CALLS)
    assert quiet.sp.receiver.wait_until(lambda: lab.pstn.exchange.active_calls() == 2 * CALLS, 60), (
        "the calls ended before all were up"
    )
    began = time.monotonic()
    lab.update(next_release)
    took = time.monotonic() - began
    during = lab.pstn.exchange.active_calls()
    after = quiet.at_once([SHORT] * 2)
    played = [each.result(300) for each in [*talks, *after]]
    assert [_lost(each) for each in played] == [[]] * len(played)
    assert {name: int(version) for name, version in _versions(lab).items()} == {
        name: int(version) + 1 for name, version in before.items()
    }
    assert during > 0, f"the update took {took:.0f} s, longer than the calls"
    assert _failures(lab, since) == []
