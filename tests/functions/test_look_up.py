"""Look up a callback: what is recorded of it, to the app that placed it and nobody else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.facts import CallEnded, CdrWritten, LegAnsweredRecorded, LegDialledRecorded
from duologue.call_control.history import Attempt, Delivery, DeliveryState
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result
from duologue.domain.errors import UnreadableCall
from tests.functions.worlds import CALL_ID, HOST, Api, sample
from tests.samples import CALLEE, CALLER, SHOWN_TO_CALLEE, SHOWN_TO_CALLER, at

PLACED, LOOKED_UP = sample("callback_api", "callback_placed"), sample("callback_api", "callback_looked_up")
UNKNOWN = (403, {"resultcode": "1020152", "resultdesc": "Invalid call sessionId."})


@pytest.fixture
def api():
    world = Api()
    world.say(PLACED)
    return world


def asking(session: str):
    return LOOKED_UP | {"pathParameters": {"sessionId": session}}


@pytest.mark.parametrize("name", ["callback_looked_up", "notifications_listed"])
def test_nobody_else_s(api, name):
    api.calls.change(CALL_ID, app="another")
    assert api.say(sample("callback_api", name)) == UNKNOWN


def test_a_call_that_was_just_accepted(api):
    status, body = api.say(LOOKED_UP)
    assert status == 200
    assert body == {
        "resultcode": "0",
        "resultdesc": "Success",
        "sessionId": f"{CALL_ID}@{HOST}",
        "direction": 0,
        "phase": "accepted",
        "acceptedAt": "2026-11-23T09:00:00.000Z",
        "userData": "order-17",
        "caller": {"number": "+12025550111", "displayNumber": "+12025550100"},
        "callee": {"number": "+12025550122", "displayNumber": "+12025550101"},
        "facts": [{"sequence": 1, "fact": "accepted", "at": "2026-11-23T09:00:00.000Z"}],
    }


def test_a_call_from_its_dial_to_its_end_with_what_the_sp_was_told(api):
    busy = Outcome(Result.BUSY, 486)
    caller = Leg(Party.CALLER, CALLER, SHOWN_TO_CALLER, dialled_at=at(1), answered_at=at(3.25), ended_at=at(9))
    callee = Leg(Party.CALLEE, CALLEE, SHOWN_TO_CALLEE, dialled_at=at(4), ended_at=at(6), outcome=busy)
    api.calls.change(
        CALL_ID,
        caller=caller,
        callee=callee,
        ending=EndReason.CALLEE_FAILED,
        ended_at=at(9),
    )
    api.calls.facts[CALL_ID] = {
        "EVENT#network-1#000005": {5: CallEnded(at(9), EndReason.CALLEE_FAILED), 6: CdrWritten(at(9))},
        "EVENT#network-1#000003": {4: LegDialledRecorded(at(4), Party.CALLEE)},
        "EVENT#network-1#000002": {3: LegAnsweredRecorded(at(3.25), Party.CALLER)},
        "EVENT#network-1#000001": {2: LegDialledRecorded(at(1), Party.CALLER)},
    }
    api.calls.cdrs[CALL_ID] = cdr_of(api.calls.load(CALL_ID).call)
    url = "http://127.0.0.1:9999/status"
    attempts = (Attempt(at(1.5), url, 503, timedelta(seconds=6), "not taken", "busy"), Attempt(at(12), url, 200))
    too_slow = (Attempt(at(3.5), url, None, note="too slow"),)
    api.calls.deliveries = {
        (CALL_ID, 2): Delivery(DeliveryState.ACKNOWLEDGED, at(1.5), attempts),
        (CALL_ID, 3): Delivery(DeliveryState.OVERTAKEN, at(3.5), too_slow),
        (CALL_ID, 5): Delivery(DeliveryState.WAITING, at(9), (Attempt(at(9), url, 503, note="not taken"),), due=at(15)),
    }
    body = api.say(LOOKED_UP)[1]
    assert (body["phase"], body["endedAt"]) == ("over", "2026-11-23T09:00:09.000Z")
    assert body["caller"]["answeredAt"] == "2026-11-23T09:00:03.250Z"
    assert body["callee"] == {
        "number": "+12025550122",
        "displayNumber": "+12025550101",
        "dialledAt": "2026-11-23T09:00:04.000Z",
        "endedAt": "2026-11-23T09:00:06.000Z",
        "outcome": "busy",
    }
    assert body["ending"] == {
        "reason": "callee_failed",
        "stateCode": 8102,
        "stateDesc": "The called party was busy.",
        "ulFailReason": 518,
        "sipStatusCode": 486,
        "callOutUnaswRsn": 0,
        "fwdUnaswRsn": 17,
    }
    told = [(fact["fact"], fact.get("party"), fact.get("eventType")) for fact in body["facts"]]
    assert told == [
        ("accepted", None, None),
        ("dialled", "caller", "callout"),
        ("answered", "caller", "answer"),
        ("dialled", "callee", "callout"),
        ("ended", None, "disconnect"),
        ("accounted", None, "fee"),
    ]
    assert body["facts"][1]["told"] == {
        "url": url,
        "at": "2026-11-23T09:00:12.000Z",
        "attempts": 2,
        "accepted": True,
        "httpStatus": 200,
    }
    assert body["facts"][2]["told"] == {
        "url": url,
        "at": "2026-11-23T09:00:03.500Z",
        "attempts": 1,
        "accepted": False,
        "note": "too slow",
        "overtaken": True,
    }
    assert "told" not in body["facts"][3]
    listed = api.say(sample("callback_api", "notifications_listed"))[1]
    assert [(each["sequence"], each["eventType"], each["state"]) for each in listed["notifications"]] == [
        (2, "callout", "acknowledged"),
        (3, "answer", "overtaken"),
        (4, "callout", "pending"),
        (5, "disconnect", "waiting"),
        (6, "fee", "pending"),
    ]
    assert listed["notifications"][0] == {
        "id": f"{CALL_ID}-2",
        "sequence": 2,
        "eventType": "callout",
        "at": "2026-11-23T09:00:01.000Z",
        "state": "acknowledged",
        "attempts": [
            {
                "url": url,
                "at": "2026-11-23T09:00:01.500Z",
                "milliseconds": 6000,
                "httpStatus": 503,
                "note": "not taken",
                "reply": "busy",
            },
            {"url": url, "at": "2026-11-23T09:00:12.000Z", "milliseconds": 0, "httpStatus": 200},
        ],
    }
    assert listed["notifications"][3]["nextAttemptAt"] == "2026-11-23T09:00:15.000Z"
    assert body["facts"][4]["told"]["nextAttemptAt"] == "2026-11-23T09:00:15.000Z"


def test_a_stop_that_is_not_done_yet_has_a_reason_and_no_codes(api):
    api.calls.change(CALL_ID, ending=EndReason.STOPPED)
    body = api.say(LOOKED_UP)[1]
    assert (body["phase"], body["ending"]) == ("ending", {"reason": "stopped"})


def test_a_dial_that_the_network_refused_names_its_code(api):
    api.calls.change(
        CALL_ID, dial_refusal="AccessDeniedException", ending=EndReason.DIAL_REFUSED, ending_at=at(1), ended_at=at(2)
    )
    api.calls.cdrs[CALL_ID] = cdr_of(api.calls.load(CALL_ID).call)
    assert api.say(LOOKED_UP)[1]["ending"] == {
        "reason": "dial_refused",
        "networkError": "AccessDeniedException",
        "stateCode": 8000,
        "stateDesc": "Internal error: the call was not started.",
        "ulFailReason": 100,
        "sipStatusCode": 0,
        "callOutUnaswRsn": 0,
        "fwdUnaswRsn": 0,
    }


def test_a_call_that_is_over_shows_what_it_cost_and_one_of_the_release_before_does_not(api):
    saved = api.calls.load(CALL_ID).call
    legs = {party: replace(getattr(saved, party), answered_at=at(3), ended_at=at(64)) for party in Party}
    api.calls.change(
        CALL_ID, ending=EndReason.HUNG_UP, ending_at=at(64), ended_at=at(64), rates=(20_000, 55_000), **legs
    )
    call = api.calls.load(CALL_ID).call
    api.calls.cdrs[CALL_ID] = cdr = cdr_of(call, writes=9, keep=timedelta(days=90))
    receipt = api.say(LOOKED_UP)[1]["receipt"]
    assert receipt["telephone"] == {
        "usd": 0.15,
        "legs": [
            {"party": "caller", "minutes": 2, "usdPerMinute": 0.02, "usd": 0.04},
            {"party": "callee", "minutes": 2, "usdPerMinute": 0.055, "usd": 0.11},
        ],
    }
    aws = receipt["aws"]
    parts = {each["part"]: (each["amount"], each["usd"]) for each in aws["parts"]}
    assert aws["pricesOf"] == "2026-11-28"
    assert parts["write_unit"] == (cdr.receipt.aws.write_unit, round(cdr.receipt.aws.write_unit * 0.000000625, 9))
    assert aws["usd"] == pytest.approx(sum(usd for _, usd in parts.values()), abs=1e-8)
    assert receipt["usd"] == pytest.approx(0.15 + aws["usd"])
    api.calls.cdrs[CALL_ID] = replace(cdr, receipt=None)
    assert "receipt" not in api.say(LOOKED_UP)[1]


def test_looking_twice_changes_nothing(api):
    before = api.calls.load(CALL_ID)
    assert api.say(LOOKED_UP) == api.say(LOOKED_UP)
    assert api.calls.load(CALL_ID) == before


def test_a_recorded_call_names_its_record_and_says_if_it_is_missing(api):
    api.record()
    between = {"notBefore": "2026-11-23T08:59:51.000Z", "notAfter": "2026-11-23T09:00:00.000Z"}
    named = {
        "recordObjectName": f"{CALL_ID}.wav",
        "startedAt": "2026-11-23T09:00:00.000Z",
        "recordHintTone": "recording-notice",
        "noticesHeard": [{"party": party, **between} for party in ("caller", "callee")],
    }
    assert api.say(LOOKED_UP)[1]["recording"] == named
    api.calls.change(CALL_ID, recording=replace(api.calls.load(CALL_ID).call.recording, missing_at=at(960)))
    assert api.say(LOOKED_UP)[1]["recording"] == named | {"missingAt": "2026-11-23T09:16:00.000Z"}


@pytest.mark.parametrize("spelled", [f"{CALL_ID}@{HOST}", f"{CALL_ID}%40{HOST}"])
def test_an_id_is_taken_with_and_without_its_escape(api, spelled):
    assert api.say(asking(spelled))[0] == 200


@pytest.mark.parametrize(
    "session",
    [f"9_9_9_20261123090000@{HOST}", f"{CALL_ID}@another.example.com", CALL_ID, "x", "%", "%00", "é" * 300],
)
def test_an_id_that_is_none(api, session):
    assert api.say(asking(session)) == UNKNOWN


def test_a_call_that_cannot_be_read_is_left_to_the_last_resort(api):
    """It answers with an error of ours, and the operator is alarmed."""
    api.calls.unreadable[CALL_ID] = UnreadableCall(CALL_ID)
    with pytest.raises(UnreadableCall):
        api.say(LOOKED_UP)
