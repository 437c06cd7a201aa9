"""The same cases while Step Functions and Lambda behave in each way that their documents leave open, and functions die.

In every one of them each phone is dialled once, the SP is told once, and the execution ends.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from duologue.call_control.prompts import Prompt
from lab.aws.switches import CloudSwitches
from pstn.lines.behaviours import answers
from pstn.switches import Quotas, Switches
from tests.journeys.flow_player import FunctionDied
from tests.journeys.line import CALLEE, CALLER, Line
from tests.journeys.test_disturbed import STORIES, check_told_once_and_in_order, play

SLOW = 3.0
"""Seconds until a function of the flow returns. Both phones of most stories are answered before that."""
TALKS = ("they talk", "the callee hangs up", "both hang up at once", "stopped in talk")


@pytest.mark.parametrize("slow", [None, SLOW], ids=["usual functions", "slow functions"])
@pytest.mark.parametrize("way", ["at_once", "kept", "refused"])
@pytest.mark.parametrize("story", STORIES)
def test_a_token_that_comes_back_before_its_function_has_returned(story, way, slow):
    """Refused, both times that it comes, it costs a wait until the time-out; the next state looks and goes on (R3)."""
    waits_long = way == "refused" and slow is not None
    stopped_before = waits_long and story in ("stopped while the callee rings", "stopped in talk")
    rung = [1, 0] if stopped_before else None
    line = play(story, cloud=CloudSwitches(early_completion=way), slow=slow, rung=rung)
    if way != "refused" and story in TALKS:
        assert line.told_at["fee"] < timedelta(seconds=40), "no wait lasted to its time-out"


ORDERS: dict[str, tuple[float, dict[str, Any]]] = {
    "the update first": (0.0, {}),
    "the answer first": (0.02, {}),
    "the answer's actions begin first": (0.0, {"update_order": "after_answer"}),
    "the update's actions begin first": (0.0, {"update_order": "before_answer"}),
    "the update's actions make the answer's void": (
        0.0,
        {"update_order": "before_answer", "older_answer_replaces": False},
    ),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("story", STORIES)
def test_the_callees_dial_is_asked_for_before_or_after_the_answer_has_taken_effect(story, order):
    """The caller's answer resumes the flow, which asks call_control to dial, maybe before the network is answered."""
    transition, switches = ORDERS[order]
    line = play(story, transition=transition, switches=Switches(**switches))
    if story in TALKS:
        assert Prompt.WAITING in line.heard_by(CALLER)
        assert line.fee["fwdAnswerTime"]


@pytest.mark.parametrize("way", ["in_turn", "together"])
@pytest.mark.parametrize("story", STORIES)
def test_a_function_that_is_invoked_twice_with_one_token_dials_once(story, way):
    play(story, cloud=CloudSwitches(repeated_invocation=way))


def test_a_usual_call_on_the_real_store(dynamodb):
    line = play("the callee hangs up", on_moto=True)
    assert line.disconnect["stateCode"] == 0
    assert line.told_to_sp == ["callout", "alerting", "answer", "callout", "answer", "disconnect", "fee"]


# ---- a function of the flow that dies


class Dying:
    """Counts what a line's flow asks of its store and of the network, and ends the function at one of these points.

    `at`: the request before which, or after which, the process ends, counted from 0 over the whole call.
    """

    STORE = ("load", "save", "store_token")
    NETWORK = ("dial_caller", "dial_callee", "say_last_minute", "end")

    def __init__(self, line: Line, at: int, *, after: bool) -> None:
        self.at, self.after = at, after
        self.asked: list[str] = []
        self.may_have_dialled = False
        """By what was written: the mark stands. In truth, nothing was dialled."""
        self._line, self._in_flow = line, False
        flow = line.player._functions["flow"]

        def in_flow(payload):
            self._in_flow = True
            try:
                return flow(payload)
            finally:
                self._in_flow = False

        line.player._functions["flow"] = in_flow
        for owner, names in ((line.calls, self.STORE), (line.network, self.NETWORK)):
            for name in names:
                setattr(owner, name, self._dies(name, getattr(owner, name)))

    def _dies(self, name: str, do: Callable) -> Callable:
        def asked(*given, **named):
            if not self._in_flow:
                return do(*given, **named)
            self.asked.append(name)
            here = len(self.asked) - 1 == self.at
            if here and not self.after:
                self._die()
            try:
                return do(*given, **named)
            finally:
                if here:
                    self._die()

        return asked

    def _die(self) -> None:
        [row] = self._line.calls.rows.values()
        self.may_have_dialled = row.dial_mark is not None and not self._line.exchange.calls
        raise FunctionDied

    @property
    def died_at(self) -> str | None:
        return self.asked[self.at] if self.at < len(self.asked) else None


DEATHS: dict[str, tuple[dict[str, Any], dict[str, Any], float | None, int]] = {
    "they talk": ({}, {}, None, 0),
    "the longest call is reached": ({"longest_talk": timedelta(minutes=2)}, {}, None, 8010),
    "stopped in talk": ({}, {}, 20.0, 8017),
    "no room": ({}, {"quotas": Quotas(on=True, active_calls=0)}, None, 7109),
    "refused for good": ({}, {"refused_creates": frozenset({"Forbidden"})}, None, 8000),
}
"""What is asked for, the network's switches, when the SP stops it, and the state code."""
BETWEEN_MARK_AND_DIAL = 8107
"""For all that anybody knows the dial has left, so nobody dials again: told as a caller who did not answer (R5)."""


@pytest.mark.parametrize("crash_name", ["error_type", "unknown"])
@pytest.mark.parametrize("after", [False, True], ids=["before a request", "after it"])
@pytest.mark.parametrize("story", DEATHS)
def test_a_function_that_dies_at_any_point_costs_at_most_the_dial_that_may_have_left(story, after, crash_name):
    points = 0
    while True:
        dying = die_at(points, story, after, crash_name)
        if dying.died_at is None:
            break
        points += 1
    assert points >= 4, "each request was died at"


def die_at(point, story, after, crash_name):
    wanted, switches, stop, ends = DEATHS[story]
    line = Line(
        answers(2),
        answers(3, talks=30.0 if story == "they talk" else None),
        switches=Switches(**switches),
        cloud=CloudSwitches(crash_name=crash_name),
    )
    dying = Dying(line, point, after=after)
    call = line.place(**wanted)
    if stop is not None:
        line.stop_after(call, stop)
    line.run()
    line.check_all_over(call)
    check_told_once_and_in_order(line)
    phones = [line.exchange.phones[number].calls for number in (CALLER, CALLEE)]
    assert all(len(calls) <= 1 for calls in phones), f"dialled twice after a death at {dying.died_at}, {point}"
    expected = BETWEEN_MARK_AND_DIAL if dying.may_have_dialled and stop is None else ends
    assert line.disconnect["stateCode"] == expected, f"after a death at {dying.died_at}, {point}"
    return dying
