"""Every branch of the callback's state machine is entered, on a clock that jumps."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.journeys.asl import load
from tests.statemachines.script import EARLY, INTERRUPT, OK, SILENCE, WAKE, Played, play, ways_out, ways_taken

DOCUMENT = load({"Partition": "aws", "Flow": "flow"})
STATES: dict[str, Any] = DOCUMENT["States"]
GIVEN = {
    "callId": "1_2_3_20261123090000",
    "callerWaitSeconds": 200,
    "calleeWaitSeconds": 200,
    "talkSeconds": 200,
    "lastMinuteSeconds": 200,
}
CALLER, CALLEE, TALK, LAST, GIVE_UP, SETTLE, LEFT, OVER = (
    "Ring the caller",
    "Ring the callee",
    "Talk",
    "Announce the last minute",
    "Give up",
    "Settle",
    "Left to the sweeper",
    "Ended",
)
TALKING = [CALLER, CALLEE, TALK]
ENDED = [GIVE_UP, SETTLE]
NO_ROOM = ["NothingWasDialled"] * 8
DOWN = ["OutsideUnavailable"] * 11
DIED = ["Runtime.ExitError", "Lambda.Unknown", "Sandbox.Timedout", "Lambda.TooManyRequestsException"] * 3


@dataclass
class Case:
    """What each state meets, attempt by attempt (the last one stays); what is not named goes well."""

    about: str
    meets: dict[str, Any]
    visits: list[str]
    given: dict[str, Any] = field(default_factory=lambda: GIVEN)


CASES = [
    Case("they talk", {}, TALKING),
    Case("all is there before it is waited for", {CALLER: "AlreadyAnswered", CALLEE: "AlreadyAnswered"}, TALKING),
    Case("the wake-ups of the answers are lost, the time-outs look", {CALLER: SILENCE, CALLEE: SILENCE}, TALKING),
    *(Case(f"over when it comes to {state}", {state: "CallIsOver"}, [*TALKING[:index], state, OVER])
      for index, state in enumerate(TALKING)),
    *(Case(f"stopped before {state}", {state: "CallStopping"}, [*TALKING[:index], state, *ENDED])
      for index, state in enumerate(TALKING)),
    *(Case(f"stopped while it waits: {state}", {state: INTERRUPT}, [*TALKING[:index], state, *ENDED])
      for index, state in enumerate(TALKING)),
    *(Case(f"{state} cannot be done for more than a minute", {state: DOWN}, [*TALKING[:index], state, *ENDED])
      for index, state in enumerate(TALKING)),
    *(Case(f"each crash of {state} is tried again", {state: [*DIED[:9], WAKE]}, TALKING) for state in TALKING),
    Case("the network has no room for the caller", {CALLER: NO_ROOM}, [CALLER, *ENDED]),
    Case("the network has room after a while", {CALLER: [*NO_ROOM[:7], WAKE]}, TALKING),
    Case("the network refuses the caller's dial", {CALLER: "DialRefused"}, [CALLER, *ENDED]),
    Case("nothing was dialled, so nothing is waited for", {CALLER: "DialRefused", GIVE_UP: "NothingIsUp"},
         [CALLER, *ENDED]),
    Case("the caller is silent", {CALLER: SILENCE, CALLEE: "CallerSilent"}, [CALLER, CALLEE, *ENDED]),
    Case("the caller answers at the last moment",
         {CALLER: SILENCE, CALLEE: ["CallerSilent", WAKE], GIVE_UP: "AlreadyAnswered"},
         [CALLER, CALLEE, GIVE_UP, CALLEE, TALK]),
    Case("the callee is silent", {CALLEE: SILENCE, TALK: "CalleeSilent"}, [*TALKING, *ENDED]),
    Case("the callee answers at the last moment",
         {CALLEE: [SILENCE, "AlreadyAnswered"], TALK: ["CalleeSilent", WAKE], GIVE_UP: "AlreadyAnswered"},
         [*TALKING, GIVE_UP, CALLEE, TALK]),
    Case("the call is gone when the callee is asked for", {CALLEE: "NoSuchNetworkCall"}, [CALLER, CALLEE, *ENDED]),
    Case("the network has no room for the callee", {CALLEE: NO_ROOM}, [CALLER, CALLEE, *ENDED]),
    Case("the longest call, of which nobody is told", {TALK: SILENCE, LAST: "LongestReached"},
         [*TALKING, LAST, *ENDED]),
    Case("the longest call that the SP set", {TALK: SILENCE, LAST: SILENCE}, [*TALKING, LAST, *ENDED]),
    Case("they hang up in the last minute", {TALK: SILENCE}, [*TALKING, LAST]),
    Case("they hang up as the last minute is said", {TALK: SILENCE, LAST: "CallIsOver"}, [*TALKING, LAST, OVER]),
    Case("it ends while it is given up", {TALK: INTERRUPT, GIVE_UP: "CallIsOver"}, [*TALKING, GIVE_UP, OVER]),
    Case("it cannot be ended, and no hang-up comes", {TALK: INTERRUPT, GIVE_UP: SILENCE}, [*TALKING, *ENDED]),
    Case("the network cannot be asked to end it", {TALK: INTERRUPT, GIVE_UP: DOWN}, [*TALKING, *ENDED]),
    Case("a leg is still up when it is settled", {TALK: INTERRUPT, SETTLE: ["LegStillUp", "LegStillUp", OK]},
         [*TALKING, *ENDED]),
    Case("settling takes too long once", {TALK: INTERRUPT, SETTLE: ["States.Timeout", OK]}, [*TALKING, *ENDED]),
    Case("a leg stays up", {TALK: INTERRUPT, SETTLE: ["LegStillUp"] * 9}, [*TALKING, *ENDED, LEFT]),
    Case("it cannot be settled", {TALK: INTERRUPT, SETTLE: DOWN}, [*TALKING, *ENDED, LEFT]),
    Case("a token comes back before its function returned", {CALLER: EARLY, CALLEE: EARLY, TALK: EARLY}, TALKING),
]  # fmt: skip


def course_of(case: Case) -> Played:
    return play(DOCUMENT, case.meets, case.given)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_a_callback_takes_its_course(case):
    played = course_of(case)
    assert played.visited == case.visits
    assert played.status == "SUCCEEDED"


def test_the_happy_path_is_three_transitions():
    """From the start to the end of the last state: what AWS bills."""
    assert len(course_of(CASES[0]).visited) == 3


def test_every_branch_is_entered():
    """Each way out of each state is in one of the cases above."""
    assert ways_taken(case.visits for case in CASES) == ways_out(DOCUMENT)


def test_each_wait_lasts_as_long_as_its_own_limit():
    """Not another's: the caller may ring for two minutes, the callee for half a minute."""
    limits = {name: state["TimeoutSecondsPath"] for name, state in STATES.items() if "TimeoutSecondsPath" in state}
    assert limits == {
        CALLER: "$.callerWaitSeconds",
        CALLEE: "$.calleeWaitSeconds",
        TALK: "$.talkSeconds",
        LAST: "$.lastMinuteSeconds",
    }


def test_each_attempt_brings_a_token_of_its_own_and_says_when_it_began():
    first, second = course_of(Case("", {TALK: ["OutsideUnavailable", WAKE]}, [])).of(TALK)
    assert first["token"] != second["token"]
    assert [payload["since"]["retry"] for payload in (first, second)] == [0, 1]
    assert first["since"]["entered"] == second["since"]["entered"]
    assert first["callId"] == GIVEN["callId"]


def test_giving_up_is_told_what_led_there():
    [give_up] = course_of(Case("", {CALLER: "DialRefused"}, [])).of(GIVE_UP)
    assert give_up["given"]["caught"]["Error"] == "DialRefused"
    [give_up] = course_of(Case("", {TALK: SILENCE, LAST: SILENCE}, [])).of(GIVE_UP)
    assert give_up["given"]["caught"]["Error"] == "States.Timeout"
