"""What an SP is told of a return call, field by field."""

from dataclasses import replace
from typing import Any

import pytest

from duologue.call_control.events import BridgeFailed, StopAsked
from duologue.call_control.history import History
from duologue.call_control.inbound import connect, play_tone, reject
from duologue.call_control.machine import Decision, decide
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.outcome import EndReason
from duologue.wire.huawei.histories import found
from duologue.wire.huawei.notifications import event_of
from tests.call_control.stories import (
    CALLEE_ANSWERED,
    CALLEE_LEFT,
    CALLEE_RANG,
    CALLER_LEFT,
    END_WANTED,
    NO_ROOM,
    PROMPT_HEARD,
)
from tests.fakes.recordings import RECORDS
from tests.samples import NETWORK_CALL, TARGET, at, inbound_app, incoming

HOST = "ce1.example.com"
DIALLER, SHOWN, TARGET_NUMBER = "+12025550122", "+12025550101", "+12025550111"
OF_CALL = {"userData": "order-17", "sessionId": f"4_5_6_20261123090000@{HOST}"}
IN = {"caller": DIALLER, "called": SHOWN}
OUT = {"caller": SHOWN, "called": TARGET_NUMBER}
CDR: dict[str, Any] = {
    "direction": 1,
    "spId": "sp-1",
    "appKey": "app-1",
    "icid": "CDR-4_5_6_20261123090000",
    "bindNum": SHOWN,
    "callerNum": DIALLER,
    "calleeNum": SHOWN,
    "callInTime": "2026-11-23 09:00:00",
    "callOutUnaswRsn": 0,
    "fwdUnaswRsn": 0,
    "sipStatusCode": 0,
    "recordFlag": 0,
    "ttsPlayTimes": 0,
    "ttsTransDuration": 0,
    "serviceType": "002",
    "hostName": HOST,
    **OF_CALL,
}
FORWARDED = {"fwdDisplayNum": SHOWN, "fwdDstNum": TARGET_NUMBER}
DIALLED = {**FORWARDED, "fwdStartTime": "2026-11-23 09:00:00"}
NOBODY = {**OF_CALL, "userData": None}
"""A call for which nobody is remembered belongs to no request."""

LEFT = replace(CALLER_LEFT, at=at(12))
BUSY = BridgeFailed(at(12), NETWORK_CALL, 486)


def played(begun: Decision, *events: Any) -> tuple[list[dict[str, Any]], History]:
    """All that the SP is told, and the history."""
    decisions = [begun]
    for event in events:
        decisions.append(decide(decisions[-1].call, event))
    call, facts = decisions[-1].call, [fact for decision in decisions for fact in decision.facts]
    cdr = cdr_of(call)
    told = [event_of(call, fact, cdr, HOST, RECORDS) for fact in facts]
    return [each for each in told if each is not None], History(call, tuple(facts), {}, cdr)


def ended(seconds: int) -> str:
    return f"2026-11-23 09:{seconds // 60:02}:{seconds % 60:02}"


def failed(seconds: int) -> dict[str, str]:
    return {"callEndTime": ended(seconds), "failTime": ended(seconds)}


NO_SLOT = reject(incoming(), EndReason.NO_ROOM, TARGET)
TONE = play_tone(incoming(app=inbound_app(call_back_tone="shop.wav")))
CASES: dict[str, tuple[Decision, tuple[Any, ...], list[str], dict[str, str], int, dict[str, Any]]] = {
    "talked": (
        connect(incoming(), TARGET),
        (CALLEE_RANG, CALLEE_ANSWERED, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61))),
        ["callin", "callout", "alerting", "answer"],
        OUT,
        0,
        {
            **DIALLED,
            "fwdAlertingTime": ended(6),
            "fwdAnswerTime": ended(9),
            "callEndTime": ended(61),
            "ulFailReason": 0,
        },
    ),
    "caller left": (
        connect(incoming(), TARGET),
        (LEFT,),
        ["callin", "callout"],
        OUT,
        8009,
        {**DIALLED, **failed(12), "ulFailReason": 530},
    ),
    "callee busy": (
        connect(incoming(), TARGET),
        (BUSY, replace(CALLER_LEFT, at=at(15))),
        ["callin", "callout"],
        OUT,
        8102,
        {**DIALLED, **failed(15), "ulFailReason": 518, "sipStatusCode": 486, "fwdUnaswRsn": 17},
    ),
    "stopped": (
        connect(incoming(), TARGET),
        (StopAsked(at(8)), END_WANTED, LEFT),
        ["callin", "callout"],
        OUT,
        8017,
        {**DIALLED, **failed(12), "ulFailReason": 516, "fwdUnaswRsn": 16},
    ),
    "dial refused for lack of capacity": (
        connect(incoming(), TARGET),
        (NO_ROOM, LEFT),
        ["callin", "callout"],
        OUT,
        7109,
        {**FORWARDED, **failed(12), "ulFailReason": 522, "networkError": "ActionExecutionThrottled"},
    ),
    "no slot": (NO_SLOT, (), ["callin"], OUT, 7109, {**FORWARDED, **failed(0), "ulFailReason": 522}),
    "nobody, rejected": (
        reject(incoming()),
        (),
        ["callin"],
        IN,
        8019,
        {**NOBODY, **failed(0), "ulFailReason": 8019},
    ),
    "nobody, and a tone": (
        TONE,
        (PROMPT_HEARD, replace(CALLER_LEFT, at=at(21))),
        ["callin"],
        IN,
        8019,
        {**NOBODY, **failed(21), "ulFailReason": 8019},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_events_and_the_cdr_of(case):
    begun, events, steps, numbers, state, fields = CASES[case]
    told, _ = played(begun, *events)
    *before, disconnect, fee = told
    assert [each["eventType"] for each in before] == steps
    shown = [IN, *[OUT] * (len(steps) - 1)]
    assert [(each["statusInfo"]["caller"], each["statusInfo"]["called"]) for each in before] == [
        (each["caller"], each["called"]) for each in shown
    ]
    status = disconnect["statusInfo"]
    assert (disconnect["eventType"], status["stateCode"]) == ("disconnect", state)
    assert {"caller": status["caller"], "called": status["called"]} == numbers
    expected = {name: value for name, value in (CDR | fields).items() if value is not None}
    assert fee == {"eventType": "fee", "feeLst": [expected]}


def test_a_call_that_comes_in():
    (callin, *_), _ = played(connect(incoming(), TARGET), LEFT)
    assert callin == {"eventType": "callin", "statusInfo": {"timestamp": ended(0), **OF_CALL, **IN}}


@pytest.mark.parametrize("begun", [reject(incoming(caller=None)), play_tone(incoming(caller=None))])
def test_a_withheld_number_is_anonymous(begun):
    told, history = played(begun, *([] if begun.call.ended_at else [LEFT]))
    callin, disconnect, fee = told
    for event in (callin, disconnect):
        assert (event["statusInfo"]["caller"], event["statusInfo"]["called"]) == ("anonymous", SHOWN)
    assert fee["feeLst"][0]["callerNum"] == "anonymous"
    assert found(history, HOST).body["caller"]["number"] == "anonymous"


def test_the_look_up_says_which_way_the_call_went():
    _, history = played(connect(incoming(), TARGET), CALLEE_ANSWERED, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
    body = found(history, HOST).body
    assert body["direction"] == 1
    assert body["facts"][0] == {
        "sequence": 1,
        "fact": "called_in",
        "at": "2026-11-23T09:00:00.000Z",
        "eventType": "callin",
    }
    assert (body["caller"]["number"], body["caller"]["displayNumber"]) == (DIALLER, SHOWN)
    assert (body["callee"]["number"], body["callee"]["displayNumber"]) == (TARGET_NUMBER, SHOWN)
    assert body["caller"]["answeredAt"] == body["callee"]["answeredAt"]


def test_the_look_up_of_a_call_for_nobody_has_no_callee():
    _, history = played(reject(incoming()))
    body = found(history, HOST).body
    assert "callee" not in body
    assert (body["ending"]["reason"], body["ending"]["stateCode"]) == ("nobody_remembered", 8019)
