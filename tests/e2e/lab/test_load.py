"""Many requests at once over HTTP: repeats of one dial once; of distinct ones as many are taken as the app may have."""

import gc
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from duologue.adapters.calls.dynamo_slots import slots_of
from lab.cases.catalogue import LAB
from pstn.lines.behaviours import busy, never_answers
from pstn.lines.phone_state import Phone
from tests.e2e.waiting import until
from tests.samples import callback

AT_ONCE = 20
REPEATS, DISTINCT, LIMIT = 60, 30, 10
RING_S = 600.0
"""No call ends while the others are asked for; then those who are called decline."""
CALLERS = [f"+120255501{number}" for number in range(10, 10 + DISTINCT)]
CALLEE = "+12025550199"


@pytest.fixture
def ringing(quiet, lab):
    """Telephones that ring and are not answered, on a network that lets them."""
    lab.pstn.exchange.switches = replace(LAB, network_ring_limit=RING_S)
    for number in CALLERS:
        lab.pstn.exchange.phones[number] = Phone(never_answers())
    yield lab.pstn.exchange.phones
    lab.pstn.exchange.switches = LAB


@pytest.fixture
def declined(leave):
    """Lets the callers decline until this call is over; whether its CDR came."""

    def declined(sp, session) -> bool:
        for _ in range(120):
            leave(CALLERS)
            if sp.receiver.wait_for_fee(session, 0.5):
                return True
        return False

    return declined


def complaints(lab):
    """What the function that answers SPs could not do."""
    group = lab.resources["CallbackApiLog"]
    said = [event["message"] for event in lab.client("logs").filter_log_events(logGroupName=group)["events"]]
    return [line[-1500:] for line in said if '"request failed"' in line or '"unhandled exception"' in line][-3:]


def at_once(ask, times):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, range(times)))


def test_repeats_over_http_dial_once(ringing, declined, new_sp):
    sp = new_sp("repeats", concurrent_calls=2)
    replies = at_once(lambda _: sp.place(CALLERS[0], CALLEE, idempotency_key="order-17"), REPEATS)
    assert Counter((reply.status, json.dumps(reply.body)) for reply in replies).most_common() == [
        ((200, json.dumps(replies[0].body)), REPEATS)
    ]
    assert sum("Idempotency-Replayed" not in reply.headers for reply in replies) == 1
    session = replies[0].body["sessionId"]
    assert declined(sp, session)
    assert len(ringing[CALLERS[0]].calls) == 1
    assert [notification.kind for notification in sp.receiver.notifications].count("fee") == 1
    again = sp.place(CALLERS[0], CALLEE, idempotency_key="order-17")
    assert (again.body, again.headers["Idempotency-Replayed"]) == (replies[0].body, "true")
    other = sp.place(CALLERS[1], CALLEE, idempotency_key="order-17")
    assert (other.status, other.code) == (403, "1010002")
    assert len(ringing[CALLERS[0]].calls) == 1


def test_of_many_requests_as_many_are_taken_as_the_limit_and_again_when_those_are_over(ringing, declined, new_sp, lab):
    sp = new_sp("crowd", concurrent_calls=LIMIT)
    for _ in range(2):
        replies = at_once(lambda number: sp.place(CALLERS[number], CALLEE), DISTINCT)
        verdicts = Counter((reply.status, reply.code) for reply in replies)
        assert verdicts == {(200, "0"): LIMIT, (403, "1020165"): DISTINCT - LIMIT}, complaints(lab)
        assert {reply.headers["Retry-After"] for reply in replies if reply.code != "0"} == {"5"}
        sessions = [reply.body["sessionId"] for reply in replies if reply.code == "0"]
        assert [declined(sp, session) for session in sessions] == [True] * LIMIT


def test_the_sandbox_dials_test_numbers_only(quiet, lab, new_sp):
    sp = new_sp("trial", settings=("--test-number", CALLERS[0], "--test-number", CALLEE))
    lab.pstn.exchange.phones[CALLERS[0]] = Phone(busy())
    refused = sp.place(CALLERS[1], CALLEE, sandbox=True)
    assert (refused.status, refused.code) == (403, "1010024")
    taken = sp.place(CALLERS[0], CALLEE, sandbox=True)
    assert (taken.status, taken.code) == (200, "0")
    assert sp.receiver.wait_for_fee(taken.body["sessionId"], 60)
    assert sp.receiver.about(taken.body["sessionId"])[-1].body["feeLst"][0]["calleeNum"] == CALLERS[0]


def test_calls_per_callee(quiet, lab, new_sp):
    sp = new_sp("limited", settings=("--calls-per-callee-per-day", "1"))
    lab.pstn.exchange.phones[CALLERS[0]] = Phone(busy())
    first = sp.place(CALLERS[0], CALLEE)
    assert first.code == "0"
    assert sp.receiver.wait_for_fee(first.body["sessionId"], 60)
    second = sp.place(CALLERS[1], CALLEE)
    assert (second.status, second.code) == (403, "1010002")
    assert 1 <= int(second.headers["Retry-After"]) <= 24 * 3600


def test_the_sweeper_frees_a_slot_that_no_call_holds(quiet, lab, new_sp, no_schedule):
    """As its role, on the real schedule's function."""
    sp = new_sp("leak", concurrent_calls=1)
    dynamodb, accounts = lab.client("dynamodb"), lab.outputs["AccountsTable"]
    gone = replace(callback(), app=sp.account.app_key)
    dynamodb.put_item(**slots_of(dynamodb, accounts, gone, 1).put(0)["Put"])
    lab.pstn.exchange.phones[CALLERS[0]] = Phone(busy())
    assert sp.place(CALLERS[0], CALLEE).code == "1020165"
    swept = lab.client("lambda").invoke(FunctionName=lab.resources["SweepFunction"], Payload=b"{}")
    assert json.loads(swept["Payload"].read())["freed"] == 1
    placed = sp.place(CALLERS[0], CALLEE)
    assert placed.code == "0"
    assert sp.receiver.wait_for_fee(placed.body["sessionId"], 60)


def test_the_sweeper_reconciles_a_call_that_is_over(quiet, lab, new_sp, no_schedule):
    """As its role: the delivery of the CDR is missing, as if the stream had lost its record, and a recording's file.

    The notice is not sent again here, since the FIFO queue knows it for five minutes.
    """
    sp, dynamo, table = new_sp("lost"), lab.client("dynamodb"), lab.outputs["CallsTable"]
    lab.pstn.exchange.phones[CALLERS[0]] = Phone(never_answers())
    session = sp.place(CALLERS[0], CALLEE).body["sessionId"]
    assert sp.client.stop(session).code == "0"
    assert sp.receiver.wait_for_fee(session, 60)
    call = {"call": {"S": session.partition("@")[0]}}
    [*_, last] = _deliveries(dynamo, table, call, len({each.kind for each in sp.receiver.about(session)}))
    dynamo.delete_item(TableName=table, Key=call | {"item": last})
    dynamo.update_item(
        TableName=table,
        Key=call | {"item": {"S": "CALL"}},
        UpdateExpression="SET close_by = :past, recording_key = :key, recording_started_at = :past",
        ExpressionAttributeValues={":past": {"S": "2026-01-01T00:00:00.000000Z"}, ":key": {"S": "calls/a/b/c.wav"}},
    )
    swept = lab.client("lambda").invoke(FunctionName=lab.resources["SweepFunction"], Payload=b"{}")
    said = json.loads(swept["Payload"].read())
    assert (said["reconciled"], said["found"]) == (1, 2)
    row = dynamo.get_item(TableName=table, Key=call | {"item": {"S": "CALL"}})["Item"]
    assert (row.keys() & {"open", "close_by"}, "recording_missing_at" in row) == (set(), True)


def _deliveries(dynamo, table, call, told):
    """The keys of the items, as soon as there is one for each of so many notifications, and all are acknowledged."""

    def settled():
        found = dynamo.query(
            TableName=table,
            KeyConditionExpression="#call = :call AND begins_with(#item, :delivery)",
            ExpressionAttributeNames={"#call": "call", "#item": "item"},
            ExpressionAttributeValues={":call": call["call"], ":delivery": {"S": "DELIVERY#"}},
        )["Items"]
        return found if [each["state"]["S"] for each in found] == ["acknowledged"] * told else None

    return [each["item"] for each in until(settled)]


def test_what_a_lab_has_loaded_is_not_looked_at_for_garbage(lab):
    """So garbage is found before there is much of it."""
    assert gc.get_freeze_count() > 100_000
