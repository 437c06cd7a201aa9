"""Every branch of the callback's state machine is entered, on the lab's interpreter; its hours pass in moments."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.aws.flow import definition
from tests.statemachines.script import INTERRUPT, SILENCE, WAKE, Played, play, ways_out, ways_taken

ASL = Path(__file__).parents[2] / "statemachines" / "callback.asl.yaml"
PSTN = "arn:aws:states:::aws-sdk:chimesdkvoice:"
DOCUMENT = definition(
    ASL,
    Partition="aws",
    CallsTable="calls",
    SipMediaApplicationId="sma",
    RingCallingParty=f"{PSTN}createSipMediaApplicationCall",
    RingCalledParty=f"{PSTN}updateSipMediaApplicationCall",
    SayLastMinute=f"{PSTN}updateSipMediaApplicationCall",
    EndCall=f"{PSTN}updateSipMediaApplicationCall",
    Settle="settle",
)
STATES: dict[str, Any] = DOCUMENT["States"]
GIVEN = {
    "callId": "1_2_3_20261123090000",
    "caller": {"number": "+12025550111", "shows": "+12025550100"},
    "callerWaitSeconds": 200,
    "calleeWaitSeconds": 200,
    "talkSeconds": 200,
    "closeBy": "2026-11-23T10:00:00+00:00",
}
LIMITED = GIVEN | {"lastMinuteSeconds": 200}

LOST = "DynamoDb.ConditionalCheckFailedException"
NO_ROOM = ["ChimeSdkVoice.ThrottledClientException", "ChimeSdkVoice.ResourceLimitExceededException"] * 4
GONE = "ChimeSdkVoice.NotFoundException"
BROKEN = "ChimeSdkVoice.ServiceFailureException"
STORE_DOWN = ["DynamoDb.InternalServerErrorException"] * 20
SLOW = ["States.Timeout"] * 20
DENIED = ["DynamoDb.DynamoDbException"] * 20

MAY_CALLER, RING_CALLER, WAIT_CALLER = (
    "May the calling party be rung?",
    "Ring the calling party",
    "Until the calling party answers",
)
MAY_CALLEE, RING_CALLEE, WAIT_CALLEE = (
    "May the called party be rung?",
    "Ring the called party",
    "Until the called party answers",
)
TALK, LAST, SAY, TO_THE_END = "Let them talk", "Is a minute left?", "Say that a minute is left", "Let them end"
RECORD, KNOWN, END, OVER, SETTLE = (
    "Record why it ends",
    "Does the network know the call?",
    "End the call",
    "Until no leg is up",
    "Settle",
)
STOPPED, LONGEST, NO_SIGN_CALLER, NO_SIGN_CALLEE, FULL, NO_STORE = (
    "The SP stopped it",
    "The longest call is reached",
    "The calling party gave no sign",
    "The called party gave no sign",
    "The network had no room",
    "The store is out of reach",
)
CALLER = [MAY_CALLER, RING_CALLER, WAIT_CALLER]
CALLEE = [MAY_CALLEE, RING_CALLEE, WAIT_CALLEE]
ENDED = [RECORD, KNOWN, END, OVER, SETTLE]


@dataclass
class Case:
    """What each state meets, attempt by attempt (the last one stays); what is not named goes well."""

    about: str
    meets: dict[str, Any]
    visits: list[str]
    given: dict[str, Any] = field(default_factory=lambda: GIVEN)
    reason: str | None = None
    known: bool = True


CASES = [
    Case("they talk", {}, [*CALLER, *CALLEE, TALK, SETTLE]),
    Case("everything is faster than its wait", {state: LOST for state in (WAIT_CALLER, WAIT_CALLEE, TALK)},
         [*CALLER, *CALLEE, TALK, SETTLE]),
    Case("over before the caller is rung", {MAY_CALLER: LOST}, [MAY_CALLER, SETTLE]),
    Case("the network has no room for the caller", {RING_CALLER: NO_ROOM},
         [MAY_CALLER, RING_CALLER, FULL, RECORD, KNOWN, SETTLE], reason="dial_refused", known=False),
    Case("it is not known whether the caller is rung", {RING_CALLER: BROKEN}, [*CALLER, *CALLEE, TALK, SETTLE]),
    Case("the caller's leg is never heard of", {WAIT_CALLER: SILENCE},
         [*CALLER, NO_SIGN_CALLER, *ENDED], reason="caller_silent"),
    Case("nothing was ever heard of the call", {WAIT_CALLER: SILENCE},
         [*CALLER, NO_SIGN_CALLER, RECORD, KNOWN, SETTLE], reason="caller_silent", known=False),
    Case("stopped while the caller rings", {WAIT_CALLER: INTERRUPT}, [*CALLER, STOPPED, *ENDED], reason="stopped"),
    Case("over when the callee's turn comes", {MAY_CALLEE: LOST, RECORD: LOST},
         [*CALLER, MAY_CALLEE, STOPPED, RECORD, SETTLE]),
    Case("stopped when the callee's turn comes", {MAY_CALLEE: LOST},
         [*CALLER, MAY_CALLEE, STOPPED, *ENDED], reason="stopped"),
    Case("the call is gone when the callee is rung", {RING_CALLEE: GONE},
         [*CALLER, MAY_CALLEE, RING_CALLEE, OVER, SETTLE]),
    Case("the network has no room for the callee", {RING_CALLEE: NO_ROOM},
         [*CALLER, MAY_CALLEE, RING_CALLEE, FULL, *ENDED], reason="dial_refused"),
    Case("it is not known whether the callee is rung", {RING_CALLEE: BROKEN}, [*CALLER, *CALLEE, TALK, SETTLE]),
    Case("the callee's leg is never heard of", {WAIT_CALLEE: SILENCE},
         [*CALLER, *CALLEE, NO_SIGN_CALLEE, *ENDED], reason="callee_silent"),
    Case("stopped while the callee rings", {WAIT_CALLEE: INTERRUPT},
         [*CALLER, *CALLEE, STOPPED, *ENDED], reason="stopped"),
    Case("stopped in talk", {TALK: INTERRUPT}, [*CALLER, *CALLEE, TALK, STOPPED, *ENDED], reason="stopped"),
    Case("the platform's longest call", {TALK: SILENCE},
         [*CALLER, *CALLEE, TALK, LAST, LONGEST, *ENDED], reason="longest_call"),
    Case("the SP's longest call", {TALK: SILENCE, TO_THE_END: SILENCE},
         [*CALLER, *CALLEE, TALK, LAST, SAY, TO_THE_END, LONGEST, *ENDED], LIMITED, "longest_call"),
    Case("they hang up in the last minute", {TALK: SILENCE},
         [*CALLER, *CALLEE, TALK, LAST, SAY, TO_THE_END, SETTLE], LIMITED),
    Case("they hang up as the last minute is said", {TALK: SILENCE, SAY: GONE, TO_THE_END: LOST},
         [*CALLER, *CALLEE, TALK, LAST, SAY, TO_THE_END, SETTLE], LIMITED),
    Case("stopped in the last minute", {TALK: SILENCE, TO_THE_END: INTERRUPT},
         [*CALLER, *CALLEE, TALK, LAST, SAY, TO_THE_END, STOPPED, *ENDED], LIMITED, "stopped"),
    Case("gone when it shall end", {TALK: INTERRUPT, END: GONE, OVER: LOST},
         [*CALLER, *CALLEE, TALK, STOPPED, *ENDED], reason="stopped"),
    Case("it cannot be ended, and no hang-up comes", {TALK: INTERRUPT, END: [BROKEN] * 20, OVER: SILENCE},
         [*CALLER, *CALLEE, TALK, STOPPED, *ENDED], reason="stopped"),
    Case("a leg is still up when it is settled", {SETTLE: ["LegStillUp", "LegStillUp", "ok"]},
         [*CALLER, *CALLEE, TALK, SETTLE]),
    Case("a leg stays up", {SETTLE: ["LegStillUp"] * 9}, [*CALLER, *CALLEE, TALK, SETTLE, "Left to the sweeper"]),
    Case("the store is out of reach before the caller is rung", {MAY_CALLER: STORE_DOWN}, [MAY_CALLER, SETTLE]),
    Case("the store does not answer before the caller is rung", {MAY_CALLER: SLOW}, [MAY_CALLER, SETTLE]),
    Case("the store is out of reach as the caller rings", {WAIT_CALLER: STORE_DOWN},
         [*CALLER, NO_STORE, *ENDED], reason="lost"),
    Case("the store is out of reach when the callee's turn comes", {MAY_CALLEE: STORE_DOWN},
         [*CALLER, MAY_CALLEE, NO_STORE, *ENDED], reason="lost"),
    Case("the store does not answer when the callee's turn comes", {MAY_CALLEE: SLOW},
         [*CALLER, MAY_CALLEE, NO_STORE, *ENDED], reason="lost"),
    Case("the store is out of reach as the callee rings", {WAIT_CALLEE: STORE_DOWN},
         [*CALLER, *CALLEE, NO_STORE, *ENDED], reason="lost"),
    Case("the store is out of reach as they talk", {TALK: DENIED},
         [*CALLER, *CALLEE, TALK, NO_STORE, *ENDED], reason="lost"),
    Case("the store is out of reach in the last minute", {TALK: SILENCE, TO_THE_END: STORE_DOWN},
         [*CALLER, *CALLEE, TALK, LAST, SAY, TO_THE_END, NO_STORE, *ENDED], LIMITED, "lost"),
    Case("the store stays out of reach", {TALK: STORE_DOWN, RECORD: STORE_DOWN, SETTLE: ["OutsideUnavailable"] * 20},
         [*CALLER, *CALLEE, TALK, NO_STORE, RECORD, SETTLE, "Left to the sweeper"], reason="lost"),
    Case("the store does not answer when it shall end", {TALK: INTERRUPT, RECORD: SLOW},
         [*CALLER, *CALLEE, TALK, STOPPED, RECORD, SETTLE], reason="stopped"),
    Case("the store is out of reach for a moment", {MAY_CALLER: [STORE_DOWN[0], "ok"], TALK: [STORE_DOWN[0], WAKE]},
         [*CALLER, *CALLEE, TALK, SETTLE]),
]  # fmt: skip


def course_of(case: Case) -> Played:
    known = {"S": "transaction-1" if case.known else "nothing"}
    row = {"to_dial": known, "to_end": known}
    return play(DOCUMENT, case.meets, case.given, result=lambda _: {"Attributes": row, "Payload": {"closed": False}})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_a_callback_takes_its_course(case):
    played = course_of(case)
    assert played.visited == case.visits
    assert played.status == "SUCCEEDED"
    reasons = [task.parameters["ExpressionAttributeValues"][":reason"]["S"] for task in played.of(RECORD)]
    assert set(reasons) == ({case.reason} if case.reason else set(reasons[:1]))


def test_the_happy_path_is_at_most_twelve_transitions():
    assert len(course_of(CASES[0]).visited) + 1 <= 12, "the states entered, and the end"


def test_a_dial_is_repeated_only_when_nothing_was_dialled():
    assert len(course_of(Case("", {RING_CALLER: BROKEN}, [])).of(RING_CALLER)) == 1
    again = course_of(Case("", {RING_CALLER: [NO_ROOM[0], "ok"]}, [])).of(RING_CALLER)
    assert len(again) == 2
    assert again[0].parameters == again[1].parameters


def test_what_is_asked_of_the_network():
    asked = {task.state: task.parameters for task in course_of(Case("", {TALK: INTERRUPT}, [])).tasks}
    assert asked[RING_CALLER] == {
        "SipMediaApplicationId": "sma",
        "FromPhoneNumber": "+12025550100",
        "ToPhoneNumber": "+12025550111",
        "ArgumentsMap": {"callId": GIVEN["callId"]},
    }
    assert asked[RING_CALLEE]["TransactionId"] == "transaction-1"
    assert asked[RING_CALLEE]["Arguments"] == {"command": "dial_callee"}
    assert asked[END]["Arguments"] == {"command": "end"}
    assert asked[END]["TransactionId"] == "transaction-1"


def test_a_retried_wait_leaves_a_fresh_token():
    waits = course_of(Case("", {TALK: [STORE_DOWN[0], WAKE]}, [])).of(TALK)
    tokens = [task.parameters["ExpressionAttributeValues"][":token"]["S"] for task in waits]
    assert len(set(tokens)) == 2


def test_every_branch_is_entered():
    """Each way out of each state is in one of the cases above."""
    assert ways_taken(case.visits for case in CASES) == ways_out(DOCUMENT)
