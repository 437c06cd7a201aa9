"""Calls keep their promises in memory, in moto's DynamoDB and in the local cloud's."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from duologue.adapters.dynamo_calls import DynamoCalls
from duologue.call_control.facts import CallAccepted, CallEnded, CdrWritten, LegAnsweredRecorded, LegDialledRecorded
from duologue.call_control.history import Delivery
from duologue.call_control.machine import close
from duologue.domain.due import ENDING, due_by
from duologue.domain.errors import (
    CallAlreadyAccepted,
    CdrAlreadyWritten,
    DuologueError,
    EventAlreadyProcessed,
    LimitReached,
    OutsideUnavailable,
    RaceLost,
    UnknownCall,
)
from duologue.domain.outcome import EndReason, Party
from duologue.domain.recording import Recording
from duologue.usecases.ports import Change, ProcessedEvent, SavedCall
from duologue.usecases.process_network_event import change_of
from tests.call_control.stories import CALLEE_LEFT, CALLER_LEFT, TALKING, Story
from tests.fakes.calls import FakeCalls
from tests.journeys.tables import make_tables
from tests.samples import NETWORK_CALL, NOW, at, callback

KEEP = timedelta(days=90)


@pytest.fixture
def dynamo(aws):
    client, calls, accounts = make_tables(aws("dynamodb"))
    return DynamoCalls(client, calls, accounts, KEEP)


def accept(calls, call=None, slots=10):
    call = call or callback()
    calls.accept(call, CallAccepted(NOW), slots=slots, close_by=at(120))
    return call


class Promises:
    """What every store of calls keeps."""

    def test_a_call_comes_back_as_it_was_accepted(self, calls):
        call = accept(calls)
        assert calls.load(call.id) == SavedCall(call, version=1)
        assert calls.fact(call.id, 1) == CallAccepted(NOW)
        assert calls.in_use(call.app) == 1

    def test_a_call_without_what_is_optional(self, calls):
        plain = replace(callback(), user_data=None, notify=type(callback().notify)())
        assert calls.load(accept(calls, plain).id).call == plain

    def test_who_is_not_there(self, calls):
        with pytest.raises(UnknownCall):
            calls.load("1_1_1_20261123090000")
        with pytest.raises(UnknownCall):
            calls.load_for("1_1_1_20261123090000", NETWORK_CALL, 1)
        accept(calls)
        with pytest.raises(UnknownCall):
            calls.fact(callback().id, 2)

    def test_accepting_twice_is_refused_and_takes_no_second_slot(self, calls):
        call = accept(calls)
        with pytest.raises(CallAlreadyAccepted):
            accept(calls)
        assert calls.in_use(call.app) == 1

    def test_no_more_calls_than_slots(self, calls):
        for number in range(3):
            accept(calls, callback(f"1_1_{number}_20261123090000"), slots=3)
        with pytest.raises(LimitReached):
            accept(calls, callback("1_1_9_20261123090000"), slots=3)
        with pytest.raises(UnknownCall):
            calls.load("1_1_9_20261123090000")
        accept(calls, callback("1_1_9_20261123090000", app="another"), slots=3)

    def test_every_step_of_a_call_comes_back(self, calls):
        story = Story(call=accept(calls))
        for event in (*TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61))):
            saved = calls.load(story.call.id)
            story.play(event)
            calls.save(change_of(saved, story.last))
            assert calls.load(story.call.id).call == story.call
        told = [type(calls.fact(story.call.id, sequence)) for sequence in range(1, story.call.facts + 1)]
        assert told[:2] == [CallAccepted, LegDialledRecorded]
        assert told[-2:] == [CallEnded, CdrWritten]
        assert calls.fact(story.call.id, 4) == LegAnsweredRecorded(at(3), Party.CALLER)

    def test_closing_frees_the_slot_and_leaves_the_open_calls(self, calls):
        call = accept(calls)
        assert list(calls.overdue(at(119), 10)) == []
        assert list(calls.overdue(at(121), 10)) == [call.id]
        calls.save(change_of(calls.load(call.id), close(call, at(200), EndReason.NEVER_STARTED)))
        assert list(calls.overdue(at(99999), 10)) == []
        assert calls.in_use(call.app) == 0

    def test_a_call_is_due_anew_with_every_step(self, calls):
        """Nothing but the rule (domain/due.py) says when; closed, it never is."""
        story = Story(call=accept(calls, replace(callback(), longest_talk=timedelta(days=1))))
        last = replace(CALLER_LEFT, at=at(61))
        for event in (*TALKING, CALLEE_LEFT):
            saved = calls.load(story.call.id)
            story.play(event)
            calls.save(change_of(saved, story.last))
            if due_by(story.call) != due_by(saved.call):
                assert list(calls.overdue(due_by(story.call) - timedelta(seconds=1), 10)) == []
                assert list(calls.overdue(due_by(story.call), 10)) == [story.call.id]
        assert due_by(story.call) == at(60) + ENDING
        calls.save(change_of(calls.load(story.call.id), story.play(last).last))
        assert list(calls.overdue(at(999_999), 10)) == []

    def test_there_is_one_cdr(self, calls):
        call = accept(calls)
        saved = calls.load(call.id)
        closing = change_of(saved, close(call, at(200), EndReason.NEVER_STARTED))
        calls.save(closing)
        with pytest.raises(RaceLost):
            calls.save(closing)
        forced = replace(closing, before=calls.load(call.id), facts=())
        with pytest.raises(CdrAlreadyWritten):
            calls.save(forced)

    def test_a_write_on_what_was_read_before_another_write_is_lost(self, calls):
        saved = calls.load(accept(calls).id)
        first = replace(saved.call, ending=EndReason.STOPPED)
        calls.save(Change(saved, first))
        with pytest.raises(RaceLost):
            calls.save(Change(saved, replace(saved.call, ending=EndReason.LONGEST_CALL)))
        assert calls.load(saved.call.id).call == first

    def test_an_event_is_heard_once_with_its_answer(self, calls):
        saved = calls.load(accept(calls).id)
        story = Story(TALKING[0], call=saved.call)
        answer = {"SchemaVersion": "1.0", "Actions": [{"Type": "Hangup"}]}
        processed = ProcessedEvent(NETWORK_CALL, 3, answer)
        assert calls.load_for(saved.call.id, NETWORK_CALL, 3) == (saved, None)
        calls.save(change_of(saved, story.last, processed))
        again, before = calls.load_for(saved.call.id, NETWORK_CALL, 3)
        assert before == processed
        assert calls.load_for(saved.call.id, "another", 3)[1] is None
        with pytest.raises(EventAlreadyProcessed):
            calls.save(Change(again, again.call, processed=processed))

    def test_facts_stay_in_order_through_many_writes(self, calls):
        story = Story(call=accept(calls))
        for event in TALKING:
            saved = calls.load(story.call.id)
            story.play(event)
            calls.save(change_of(saved, story.last))
        times = [calls.fact(story.call.id, sequence).at for sequence in range(1, story.call.facts + 1)]
        assert times == sorted(times)

    def test_what_became_of_telling_a_fact(self, calls):
        call = accept(calls)
        assert not calls.is_acknowledged(call.id, 1)
        tried = Delivery(1, NOW, "https://sp.example.com/status", acknowledged=False, status=None, note="too slow")
        calls.record_delivery(call.id, 1, tried)
        assert not calls.is_acknowledged(call.id, 1)
        calls.record_delivery(call.id, 1, replace(tried, attempt=2, acknowledged=True, status=200))
        assert calls.is_acknowledged(call.id, 1)
        calls.record_delivery(call.id, 1, replace(tried, attempt=1))
        assert calls.is_acknowledged(call.id, 1), "an attempt that failed late changes nothing"
        assert not calls.is_acknowledged(call.id, 2)

    def test_the_history_of_a_call_is_its_row_its_facts_and_what_was_told(self, calls):
        story = Story(call=accept(calls))
        for event in TALKING:
            saved = calls.load(story.call.id)
            story.play(event)
            processed = ProcessedEvent(NETWORK_CALL, story.call.facts, {"SchemaVersion": "1.0"})
            calls.save(change_of(saved, story.last, processed if story.last.facts else None))
        late = Delivery(2, at(9), "https://sp.example.com/status", acknowledged=True, status=200)
        calls.record_delivery(
            story.call.id, 2, replace(late, attempt=1, acknowledged=False, status=None, note="too slow")
        )
        calls.record_delivery(story.call.id, 2, late)
        accept(calls, callback("9_9_9_20261123090000"))
        history = calls.history(story.call.id)
        assert history.call == story.call
        numbers = range(1, story.call.facts + 1)
        assert history.facts == tuple(calls.fact(story.call.id, sequence) for sequence in numbers)
        assert history.deliveries == {2: late}

    def test_a_call_that_is_not_there_has_no_history(self, calls):
        with pytest.raises(UnknownCall):
            calls.history("1_1_1_20261123090000")

    def test_a_recording_comes_back(self, calls):
        recorded = replace(callback(), recording=Recording("recordings/1.wav", at(5)))
        assert calls.load(accept(calls, recorded).id).call == recorded


class TestInMemory(Promises):
    @pytest.fixture
    def calls(self):
        return FakeCalls()


class TestInDynamoDB(Promises):
    @pytest.fixture
    def calls(self, dynamo):
        return dynamo

    def test_what_the_flow_writes_on_the_row_is_kept_and_makes_a_reader_lose(self, calls):
        """R1: the wait's own write steps the version, so that a handler that read earlier loads again."""
        call = accept(calls)
        saved = calls.load(call.id)
        _flow_waits(calls, call.id, "token-1")
        story = Story(TALKING[0], call=saved.call)
        with pytest.raises(RaceLost):
            calls.save(change_of(saved, story.last))
        again = calls.load(call.id)
        assert again.task_token == "token-1"
        calls.save(change_of(again, story.last))
        assert calls.load(call.id).task_token == "token-1", "only a wake-up forgets the listener"

    def test_a_wake_up_is_kept_with_the_event_and_forgets_the_listener(self, calls):
        call = accept(calls)
        _flow_waits(calls, call.id, "token-1")
        saved = calls.load(call.id)
        story = Story(*TALKING[:3], call=saved.call)
        calls.save(change_of(saved, story.last, ProcessedEvent(NETWORK_CALL, 3, {})))
        after, before = calls.load_for(call.id, NETWORK_CALL, 3)
        assert before.resumes == "token-1"
        assert after.task_token is None

    def test_slots_for_fifty_at_once(self, calls, request):
        """Ten at a time; moto's tables break when two threads write, so there one at a time."""

        def ask(number):
            call = callback(f"1_1_{number}_20261123090000")
            for _ in range(60):
                try:
                    accept(calls, call, slots=5)
                except RaceLost:
                    continue
                except DuologueError as refusal:
                    return type(refusal)
                return None
            return RaceLost

        with ThreadPoolExecutor(10 if "lab" in request.node.callspec.id else 1) as pool:
            verdicts = list(pool.map(ask, range(50)))
        assert verdicts.count(None) == 5
        assert verdicts.count(LimitReached) == 45
        assert calls.in_use("app-1") == 5


WRITE, READ = "transact_write_items", "batch_get_item"


@pytest.fixture
def refusing():
    """The store whose DynamoDB refuses what it is asked, as the real one may and neither imitation does."""
    client = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        yield DynamoCalls(client, "calls", "accounts", KEEP), stubber


@pytest.mark.parametrize(
    ("reasons", "meaning"),
    [
        (["ThrottlingError", "None"], OutsideUnavailable),
        (["None", "ProvisionedThroughputExceeded"], OutsideUnavailable),
        (["ThrottlingError", "TransactionConflict"], RaceLost),
        (["ConditionalCheckFailed", "ThrottlingError"], RaceLost),
        (["ThrottlingError", "ValidationError"], ClientError),
    ],
)
def test_why_a_transaction_was_cancelled(refusing, reasons, meaning):
    calls, stubber = refusing
    response = {"CancellationReasons": [{"Code": reason} for reason in reasons]}
    stubber.add_client_error(WRITE, "TransactionCanceledException", modeled_fields=response, http_status_code=400)
    with pytest.raises(meaning):
        calls.save(Change(SavedCall(callback(), 1), replace(callback(), ending=EndReason.STOPPED)))


def test_a_write_whose_first_try_still_runs_is_not_known_to_be_done(refusing):
    """botocore repeats a write that timed out with the same token; DynamoDB says that it is still at it."""
    calls, stubber = refusing
    stubber.add_client_error(WRITE, "TransactionInProgressException", http_status_code=400)
    with pytest.raises(OutsideUnavailable):
        calls.save(Change(SavedCall(callback(), 1), replace(callback(), ending=EndReason.STOPPED)))


def test_a_call_that_was_not_read_for_lack_of_throughput_is_not_a_race(refusing):
    calls, stubber = refusing
    keys = [{"call": {"S": callback().id}, "item": {"S": "CALL"}}]
    stubber.add_response(READ, {"Responses": {}, "UnprocessedKeys": {"calls": {"Keys": keys}}})
    with pytest.raises(OutsideUnavailable):
        calls.load_for(callback().id, NETWORK_CALL, 1)


def _flow_waits(calls, call_id, token):
    calls._client.update_item(
        TableName=calls._calls,
        Key={"call": {"S": call_id}, "item": {"S": "CALL"}},
        UpdateExpression="SET listener = :token ADD version :one",
        ExpressionAttributeValues={":token": {"S": token}, ":one": {"N": "1"}},
    )
