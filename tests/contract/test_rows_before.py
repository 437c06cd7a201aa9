"""What release 0.1.0 left in the calls table and the queues: its calls end, are told and are looked up all the same.

`rows_of_0_1_0.json`: all items of one callback that was talked, as that release's own code wrote them.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from moto import mock_aws

from duologue.adapters.basics.aws import to_item
from duologue.adapters.calls.call_stream import committed_of
from duologue.adapters.notifying.sqs_notices import read, written
from duologue.adapters.rows.call_rows import written_time
from duologue.call_control.events import LegAnswered, LegEnded
from duologue.call_control.facts import CallEnded, CdrWritten, LegDialledRecorded
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import Phase
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.calls.task_token import Wait
from duologue.domain.errors import UnknownCall
from duologue.domain.media.recording import Recording
from duologue.usecases.accounting.finalize_call import FinalizeCall
from duologue.usecases.accounting.free_slots import free_slots
from duologue.usecases.calls.process_network_event import ProcessNetworkEvent
from duologue.usecases.ports.notifying import Notice
from duologue.usecases.until_written import no_pause
from duologue.wire.chime.answer import Buckets
from duologue.wire.chime.invocation import Invocation
from duologue.wire.chime.network_format import ChimeFormat
from tests.fakes.answering import answering
from tests.fakes.clock import FakeClock
from tests.fakes.flows import FakeFlows
from tests.fakes.network import FakeNetwork
from tests.journeys.tables import make_tables
from tests.samples import LEG_A, NETWORK_CALL, NOW, at, callback
from tests.store import APP, Store

_ROWS = json.loads(Path(__file__).with_name("rows_of_0_1_0.json").read_text())
_CALL_ID = callback().id


@pytest.fixture
def store():
    with mock_aws():
        store = Store(*make_tables())
        put(store, *_ROWS)
        yield store


def put(store, *rows):
    for row in rows:
        store.client.put_item(TableName=store.calls_table, Item=to_item({"call": _CALL_ID} | row))


def change(store, *, drop=(), **attributes):
    """Give CALL other attributes."""
    [row] = [row for row in _ROWS if row["item"] == "CALL"]
    put(store, {name: value for name, value in (row | attributes).items() if name not in drop})


def test_it_is_looked_up(store):
    history = store.history(_CALL_ID)
    assert history.call.phase is Phase.OVER
    assert history.call.callee.display_number == callback().callee.display_number
    assert [type(fact).__name__ for fact in history.facts] == [
        "CallAccepted",
        "LegDialledRecorded",
        "LegAnsweredRecorded",
        "LegDialledRecorded",
        "LegAnsweredRecorded",
        "CallEnded",
        "CdrWritten",
    ]
    assert history.deliveries[2].is_acknowledged
    assert history.cdr == cdr_of(history.call)


def test_its_cdr_has_the_recording_that_is_in_the_call(store):
    change(store, recording_key="calls/1.wav", recording_started_at=NOW.isoformat())
    assert store.history(_CALL_ID).cdr.recording == Recording("calls/1.wav", NOW)


def test_lack_of_room_is_not_a_refusal_for_good(store):
    change(store, ending="dial_refused")
    [cdr] = [row for row in _ROWS if row["item"] == "CDR"]
    put(store, cdr | {"reason": "dial_refused"})
    history = store.history(_CALL_ID)
    assert (history.call.ending, history.cdr.reason) == (EndReason.NO_ROOM, EndReason.NO_ROOM)


def test_a_notice_that_waits_in_a_queue_is_told(store):
    told = store.notification(read(json.dumps({"call_id": _CALL_ID, "sequence": 7, "attempt": 3})))
    assert (type(told.fact), told.cdr, told.app, told.delivery) == (CdrWritten, cdr_of(told.call), APP, None)


def test_what_was_acknowledged_is_not_told_again(store):
    told = store.notification(read(json.dumps({"call_id": _CALL_ID, "sequence": 2})))
    assert told.delivery is not None and told.delivery.is_acknowledged
    assert told.fact == LegDialledRecorded(at(1), Party.CALLER)


def test_a_fact_that_is_still_in_the_stream_is_queued_and_told(store):
    records = [
        {"eventName": "INSERT", "dynamodb": {"NewImage": to_item({"call": _CALL_ID} | row)}}
        for row in _ROWS
        if row["item"] in ("FACT#000006", "TOLD#000002", "CALL")
    ]
    [committed] = committed_of({"Records": records})
    [notice] = committed.notices
    assert store.notification(notice).fact == CallEnded(at(61), EndReason.HUNG_UP)


def ringing(store):
    """The call as it was when its caller rang."""
    later = [
        name for name in _ROWS[0] if name.startswith("callee_") and name.endswith(("_at", "_id", "result", "status"))
    ]
    later += ["ended_at", "ending", "ending_at", "ended_by", "caller_answered_at", "caller_ended_at", "caller_result"]
    change(store, drop=later, listener="token-1", open="open", facts=2)


def processing(store, flows):
    network = ChimeFormat(Buckets("p", "r"))
    return ProcessNetworkEvent(
        store.core, flows, network, FakeNetwork(), lambda lost: None, answering(store.core, network)
    )


def test_an_answer_resumes_the_execution_that_waits_for_it(store):
    """Else who has answered would hear nothing until the execution gives up."""
    ringing(store)
    flows = FakeFlows()
    process = processing(store, flows)
    event = LegAnswered(at(5), NETWORK_CALL, Party.CALLER, LEG_A, at(1))
    process(Invocation(NETWORK_CALL, "000002", _CALL_ID, event, introduces=False))
    assert flows.resumed == ["token-1"]


def test_one_that_goes_on_is_told_to_its_end(store):
    ringing(store)
    store.client.delete_item(TableName=store.calls_table, Key=to_item({"call": _CALL_ID, "item": "CDR"}))
    process = processing(store, FakeFlows())
    process(
        Invocation(NETWORK_CALL, "000009", _CALL_ID, LegEnded(at(9), NETWORK_CALL, Party.CALLER, LEG_A, 486), False)
    )
    ended = store.load(_CALL_ID).call
    source = store.sources(_CALL_ID)[ended.facts]
    told = store.notification(Notice(_CALL_ID, ended.facts, source, ended.app))
    assert (told.call, told.cdr, told.fact) == (ended, cdr_of(ended), CdrWritten(at(9)))


def test_the_sweeper_finds_an_open_one_among_todays(store):
    ringing(store)
    change(store, drop=("ended_at", "ending"), open="open", close_by=written_time(at(50)))
    for number in range(9):
        store.accept(callback(f"1_1_{number}_20261123090000"), slots=9, close_by=at(41 + number * 2))
    *before, after = (f"1_1_{number}_20261123090000" for number in range(6))
    listed = [*before, _CALL_ID, after]
    assert list(store.overdue(at(51), 99)) == listed
    assert list(store.overdue(at(51), 2)) == listed[:2]
    assert _CALL_ID in store.open_calls()
    assert len(store.open_calls()) == 10


def _hangs_up(store):
    left = LegEnded(at(9), NETWORK_CALL, Party.CALLER, LEG_A, 486)
    processing(store, FakeFlows())(Invocation(NETWORK_CALL, "000009", _CALL_ID, left, introduces=False))


def _settles(store):
    FinalizeCall(store, FakeNetwork(), FakeFlows(), FakeClock(at(600)), no_pause)(_CALL_ID)


@pytest.mark.parametrize("end", [_hangs_up, _settles])
def test_its_slot_is_freed_by_its_end_or_by_the_sweeper(store, end):
    """They were a set for each app."""
    ringing(store)
    table = store.accounts._table
    slots = to_item({"pk": "SLOTS", "sk": "app-1"}) | {"held": {"SS": [_CALL_ID, "1_2_3_20261123090000"]}}
    store.client.put_item(TableName=table, Item=slots)
    store.client.delete_item(TableName=store.calls_table, Key=to_item({"call": _CALL_ID, "item": "CDR"}))
    end(store)
    assert [slot.call_id for slot in store.held_slots()] == ["1_2_3_20261123090000"]
    assert [free_slots(calls=store), free_slots(calls=store)] == [1, 0]
    assert list(store.held_slots()) == []
    store.accounts.change_app("app-1", lambda app: replace(app, active=False))
    store.accounts.remove_app("app-1")


@pytest.mark.parametrize(
    ("drop", "wait"),
    [
        (("ending", "caller_answered_at", "callee_answered_at"), Wait.CALLER_ANSWER),
        (("ending", "callee_answered_at"), Wait.CALLEE_ANSWER),
        (("ending",), Wait.END),
        (("caller_answered_at", "callee_answered_at"), Wait.END),
    ],
)
def test_which_wait_its_token_is_of(store, drop, wait):
    change(store, drop=(*drop, "ended_at"), listener="token-1")
    token = store.load(_CALL_ID).task_token
    assert (token.value, token.waits_for) == ("token-1", wait)


@pytest.mark.parametrize("left", ["CALL", "ASKED"])
def test_a_call_whose_items_are_being_deleted_with_age_is_gone(store, left):
    """The table deletes them one by one."""
    for row in _ROWS:
        store.client.delete_item(TableName=store.calls_table, Key=to_item({"call": _CALL_ID, "item": row["item"]}))
    store.accept(callback(), slots=1, close_by=at(120))
    gone = {"CALL": "ASKED", "ASKED": "CALL"}[left]
    store.client.delete_item(TableName=store.calls_table, Key=to_item({"call": _CALL_ID, "item": gone}))
    for look in (store.load, store.history):
        with pytest.raises(UnknownCall):
            look(_CALL_ID)


def test_the_function_of_release_0_1_0_gives_todays_notices_back():
    """During an update it may get some. It would look for the fact where it is no more, and give the notice up."""
    with pytest.raises(KeyError):
        json.loads(written(Notice(_CALL_ID, 7, "EVENT#own#000009", "app-1")))["call_id"]
