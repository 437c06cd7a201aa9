"""Calls keep their promises in memory, in moto's DynamoDB and in the local cloud's."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from bench.units import KB, item_bytes
from duologue.adapters.calls.dynamo_calls import DynamoCalls, key_of
from duologue.adapters.rows.sealed_rows import UnopenedRows
from duologue.call_control.events import EndNotReported, NeverTakenUp, RecordingStarted, StopAsked
from duologue.call_control.facts import CallAccepted, CallEnded, CdrWritten, LegAnsweredRecorded, LegDialledRecorded
from duologue.call_control.history import Attempt, Delivery, DeliveryState
from duologue.call_control.machine import decide
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.due import ENDING, RECONCILIATION, due_by
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import (
    CallAlreadyAccepted,
    CdrAlreadyWritten,
    DuologueError,
    EventAlreadyProcessed,
    InvalidField,
    LimitReached,
    OutsideUnavailable,
    RaceLost,
    SealBroken,
    StaleAttempt,
    TooManyPings,
    TooManyRequests,
    UnknownApp,
    UnknownCall,
    UnreadableCall,
)
from duologue.domain.media.audio import Audio, AudioListeners
from duologue.domain.media.recording import Recording
from duologue.domain.memory.call_memory import SetBy
from duologue.domain.notifying.delivery import DELAYS
from duologue.domain.notifying.endpoint_health import Circuit, EndpointHealth, Verdict
from duologue.domain.notifying.webhook_request import Reply
from duologue.domain.numbers.phone_number import UNREAD
from duologue.usecases.calls.process_network_event import change_of
from duologue.usecases.notifying.change_endpoints import probe_now, switch_on
from duologue.usecases.notifying.manage_notifications import ManageNotifications
from duologue.usecases.ports.call_changes import Change, ProcessedEvent, SavedCall
from duologue.usecases.ports.notifying import Claimed, Notice
from tests.call_control.stories import CALLEE_LEFT, CALLEE_WANTED, CALLER_LEFT, REFUSED, TALKING, Story
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.seals import ROWS
from tests.journeys.tables import make_tables
from tests.nodes import UNIQUE
from tests.queues import DeliveryWorld
from tests.samples import CALLEE, CALLER, MEMORY, NETWORK_CALL, NOW, at, callback, return_call
from tests.store import APP, KEEP, Store

RECORDED = (*TALKING, RecordingStarted(at(12), NETWORK_CALL, "k"), CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
REFUSED_CALL = (*TALKING[:4], REFUSED, CALLER_LEFT)


class Remembered(FakeCalls):
    def __init__(self):
        super().__init__()
        self.apps["app-1"] = APP

    def sources(self, call_id):
        return {number: item for item, facts in self.facts[call_id].items() for number in facts}


@pytest.fixture
def dynamo(aws):
    return Store(*make_tables(aws("dynamodb")))


def accept(calls, call=None, slots=10):
    call = call or callback()
    calls.accept(call, slots=slots, close_by=at(120))
    return call


def played(calls, *events, call=None):
    """A call into which these events were played, each saved."""
    story = Story(call=accept(calls, call))
    for number, event in enumerate(events):
        saved = calls.load(story.call.id)
        story.play(event)
        key = f"{number:06d}"
        calls.save(change_of(saved, story.last, ProcessedEvent(NETWORK_CALL, key, "{}", story.last.resumes)))
    return story


def token(value, rank, waits_for=Wait.CALLER_ANSWER):
    return TaskToken(value, waits_for, 1_795_424_400_000_000 + rank)


STOPPED = EndReason.STOPPED
TOO_SLOW = Attempt(NOW, "https://sp.example.com/status", None, timedelta(seconds=6), "too slow")
TAKEN = Attempt(at(9), "https://sp.example.com/status", 200, timedelta(milliseconds=12), reply='{"resultcode":"0"}')


class Promises:
    """What every store of calls keeps."""

    def test_a_call_comes_back_as_it_was_accepted(self, calls):
        call = accept(calls)
        assert calls.load(call.id) == SavedCall(call, version=1, close_by=at(120))
        assert calls.history(call.id).facts == (CallAccepted(NOW),)
        assert calls.in_use(call.app) == 1

    def test_a_call_without_what_is_optional(self, calls):
        plain = replace(callback(), user_data=None, notify=type(callback().notify)())
        assert calls.load(accept(calls, plain).id).call == plain

    def test_a_return_call_with_every_prompt(self, calls):
        audio = Audio("a.wav", "b.wav", "c.wav", AudioListeners.CALLEE, "d.wav", "e.wav")
        call = replace(return_call(), audio=audio, rejects_failure=True)
        assert calls.load(accept(calls, call).id).call == call

    def test_who_is_not_there(self, calls):
        with pytest.raises(UnknownCall):
            calls.load("1_1_1_20261123090000")
        with pytest.raises(UnknownCall):
            calls.load_for("1_1_1_20261123090000", NETWORK_CALL, "000001")
        assert calls.task_token("1_1_1_20261123090000") is None

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
        facts = calls.history(story.call.id).facts
        assert [type(fact) for fact in facts][:2] == [CallAccepted, LegDialledRecorded]
        assert [type(fact) for fact in facts][-2:] == [CallEnded, CdrWritten]
        assert facts[3] == LegAnsweredRecorded(at(3), Party.CALLER)
        assert len(facts) == story.call.facts

    def test_closing_frees_the_slot_and_leaves_the_open_calls(self, calls):
        call = accept(calls)
        assert list(calls.overdue(at(119), 10)) == []
        assert list(calls.overdue(at(121), 10)) == [call.id]
        calls.save(change_of(calls.load(call.id), decide(call, NeverTakenUp(at(200)))))
        assert list(calls.overdue(at(99999), 10)) == []
        assert calls.in_use(call.app) == 0

    def test_the_open_calls_of_nodes_are_found_however_many_there_are(self, calls):
        """More than one request reads. No event has come for some of them: the mark of the dial has the node."""
        ids = [accept(calls, callback(f"1_1_{number}_20261123090000"), slots=200).id for number in range(104)]
        on = [f"{node}-{UNIQUE}" for node in ("1a2b3c4d", "99999999")]
        for number, call_id in enumerate(ids[:101]):
            saved = calls.load(call_id)
            calls.save(Change(saved, replace(saved.call, network_call=on[0]), dial_mark=on[number % 2]))
        for call_id, mark in zip(ids[101:103], on, strict=True):
            saved = calls.load(call_id)
            calls.save(Change(saved, saved.call, dial_mark=mark))
        saved = calls.load(ids[7])
        calls.save(change_of(saved, decide(saved.call, EndNotReported(at(200)))))
        assert calls.on_nodes({"1a2b3c4d", "ffffffff"}) == dict.fromkeys({*ids[:102]} - {ids[7]}, "1a2b3c4d")
        assert calls.on_nodes({"99999999"}) == {ids[102]: "99999999"}

    def test_a_call_that_is_over_is_to_be_reconciled_a_quarter_of_an_hour_after_the_write_that_ended_it(self, calls):
        """Oldest first over the shards, once, whatever is changed meanwhile; a call in progress never."""
        ids = [accept(calls, callback(f"1_1_{number}_20261123090000"), slots=20).id for number in range(1, 13)]
        for seconds, call_id in enumerate(ids[:-1]):
            calls.now = at(300 + seconds)
            saved = calls.load(call_id)
            calls.save(change_of(saved, decide(saved.call, NeverTakenUp(at(200)))))
        due = at(300) + RECONCILIATION

        def listed(after_s: float, limit: int = 99) -> list[str]:
            return [each.call_id for each in calls.unreconciled(due + timedelta(seconds=after_s), limit)]

        assert (listed(-1), listed(4), listed(99), listed(99, 3)) == ([], ids[:5], ids[:-1], ids[:3])
        over = calls.load(ids[0])
        calls.save(Change(over, replace(over.call, recording=Recording("calls/app-1/x/1.wav", at(5)))))
        for ended in [*calls.unreconciled(due, 99)] * 2:
            calls.reconciled(ended)
        assert (listed(99), set(calls.open_calls())) == (ids[1:-1], {ids[-1]})

    def test_when_the_sweeper_looks_is_never_later_than_the_call_is_due(self, calls):
        """Written with the acceptance, put off by the sweeper alone, brought forward by whoever ends the call."""
        story = Story(call=accept(calls, replace(callback(), taken_up_at=at(1), longest_talk=timedelta(days=1))))
        for event in TALKING:
            saved = calls.load(story.call.id)
            story.play(event)
            calls.save(change_of(saved, story.last))
            assert list(calls.overdue(at(120), 10)) == [story.call.id], "a short call costs no write for it"
        saved = calls.load(story.call.id)
        calls.save(Change(saved, saved.call, postpones=True))
        assert list(calls.overdue(due_by(story.call) - timedelta(seconds=1), 10)) == []
        assert list(calls.overdue(due_by(story.call), 10)) == [story.call.id]
        stopped = decide(story.call, StopAsked(at(600))).call
        calls.save(Change(calls.load(story.call.id), stopped))
        assert list(calls.overdue(at(600) + ENDING - timedelta(seconds=1), 10)) == []
        assert list(calls.overdue(at(600) + ENDING, 10)) == [story.call.id]
        calls.save(change_of(calls.load(story.call.id), decide(stopped, EndNotReported(at(700)))))
        assert list(calls.overdue(at(999_999), 10)) == []

    @pytest.mark.parametrize("rates", [None, (20_000, 100_000)], ids=["of the release before", "with rates"])
    @pytest.mark.parametrize("events", [RECORDED, REFUSED_CALL], ids=["recorded", "refused"])
    def test_the_cdr_is_what_the_end_fixed(self, calls, events, rates):
        story = played(calls, *events, call=replace(callback(), rates=rates))
        assert calls.history(story.call.id).cdr == cdr_of(story.call, 1 + len(events), KEEP)
        assert calls.history(played(calls, call=callback("1_1_7_20261123090000")).call.id).cdr is None

    def test_there_is_one_cdr(self, calls):
        call = accept(calls)
        saved = calls.load(call.id)
        closing = change_of(saved, decide(call, NeverTakenUp(at(200))))
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

    def test_an_event_is_processed_once_with_its_answer(self, calls):
        saved = calls.load(accept(calls).id)
        story = Story(TALKING[0], call=saved.call)
        processed = ProcessedEvent(NETWORK_CALL, "000003", '{"Actions": [{"Type": "Hangup"}]}', Wait.CALLER_ANSWER)
        assert calls.load_for(saved.call.id, NETWORK_CALL, "000003") == (saved, None)
        calls.save(replace(change_of(saved, story.last, processed), resumes=Wait.CALLER_ANSWER))
        again, before = calls.load_for(saved.call.id, NETWORK_CALL, "000003")
        assert before == processed
        assert calls.load_for(saved.call.id, "another", "000003")[1] is None
        with pytest.raises(EventAlreadyProcessed):
            calls.save(Change(again, again.call, processed=processed))

    def test_the_callees_dial_is_remembered(self, calls):
        call = replace(callback(), memory=MEMORY)
        story = played(calls, *TALKING[:3], call=call)
        assert calls.memories.memory(MEMORY.key) is None, "nobody was rung yet"
        saved, dialled = calls.load(call.id), decide(story.call, CALLEE_WANTED)
        calls.save(change_of(saved, dialled))
        found = calls.memories.memory(MEMORY.key)
        assert (found.sp, found.app, found.session) == (call.sp, call.app, call.id)
        assert (found.version, found.set_by, found.remembered_at) == (1, SetBy.CALL, at(4))
        assert found.expires_at == at(4) + timedelta(days=30), "from the dial"
        assert (found.target, found.sealed) == (MEMORY.target, MEMORY.sealed)
        assert calls.load(call.id).call.memory == MEMORY

    def test_a_dial_that_is_not_committed_is_not_remembered(self, calls):
        story = played(calls, *TALKING[:3], call=replace(callback(), memory=MEMORY))
        saved = calls.load(story.call.id)
        calls.save(Change(saved, replace(saved.call, ending=EndReason.STOPPED)))
        with pytest.raises(RaceLost):
            calls.save(change_of(saved, decide(saved.call, CALLEE_WANTED)))
        assert calls.memories.memory(MEMORY.key) is None

    def test_a_dial_is_committed_though_a_newer_one_of_its_pair_is_remembered(self, calls):
        names = ["1_1_1_20261123090000", "1_1_2_20261123090000"]
        for name, dialled in zip(names, (9, 4), strict=True):  # the earlier dial is committed later
            story = played(calls, *TALKING[:3], call=replace(callback(name), memory=MEMORY))
            calls.save(change_of(calls.load(name), decide(story.call, replace(CALLEE_WANTED, at=at(dialled)))))
            assert calls.load(name).call.callee.dialled_at == at(dialled)
            assert calls.memories.memory(MEMORY.key).session == names[0]
        assert calls.memories.memory(MEMORY.key).version == 1

    def test_a_call_that_wants_none_is_not_remembered(self, calls):
        played(calls, *TALKING)
        assert calls.memories.memory(MEMORY.key) is None

    def test_facts_stay_in_order_whatever_their_events_are_called(self, calls):
        story = Story(call=accept(calls))
        for number, event in enumerate(TALKING):
            saved = calls.load(story.call.id)
            story.play(event)
            calls.save(change_of(saved, story.last, ProcessedEvent(NETWORK_CALL, f"{9 - number}", "{}")))
        times = [fact.at for fact in calls.history(story.call.id).facts]
        assert times == sorted(times)

    def test_the_newest_attempts_token_stands(self, calls):
        call = accept(calls)
        calls.store_token(call.id, token("first", 0))
        calls.store_token(call.id, token("again", 1))
        with pytest.raises(StaleAttempt):
            calls.store_token(call.id, token("late", 0))
        calls.store_token(call.id, token("again", 1))  # one attempt, invoked twice
        assert calls.task_token(call.id) == calls.load(call.id).task_token == token("again", 1)
        calls.store_token(call.id, token("next", 1000, Wait.CALLEE_ANSWER))
        assert calls.load_for(call.id, NETWORK_CALL, "000001")[0].task_token == token("next", 1000, Wait.CALLEE_ANSWER)
        assert calls.history(call.id).task_token == token("next", 1000, Wait.CALLEE_ANSWER)
        assert calls.load(call.id).version == 1, "a wait makes nobody lose a race"

    def test_the_mark_of_a_dial_is_set_and_taken_back(self, calls):
        saved = calls.load(accept(calls).id)
        calls.save(Change(saved, replace(saved.call, taken_up_at=at(1)), dial_mark="mine"))
        with pytest.raises(RaceLost):
            calls.save(Change(saved, saved.call, dial_mark="another"))
        marked = calls.load(saved.call.id)
        assert marked.dial_mark == "mine"
        refused = replace(marked.call, dial_refusal="ThrottledClientException")
        calls.save(Change(marked, refused, clears_dial_mark=True))
        again = calls.load(saved.call.id)
        assert (again.dial_mark, again.call) == (None, refused)

    def test_what_became_of_notifying_a_fact(self, calls):
        story = played(calls, *TALKING)
        [second, third] = [calls.sources(story.call.id)[number] for number in (2, 3)]
        notice = Notice(story.call.id, 2, second, "app-1")
        told = calls.notification(notice)
        assert (told.call, told.fact) == (story.call, LegDialledRecorded(at(0), Party.CALLER))
        assert (told.app, told.cdr, told.delivery, told.follows) == (APP, None, None, False)
        tried = Delivery(DeliveryState.WAITING, NOW, (TOO_SLOW,), 1, at(5))
        taken = replace(
            tried, state=DeliveryState.ACKNOWLEDGED, attempts=(TOO_SLOW, TAKEN), tries=2, due=None, version=1
        )
        for version, delivery in enumerate((tried, taken, replace(taken, note="noted", version=2)), 1):
            calls.save_delivery(notice, delivery)
            saved = replace(delivery, version=version)
            assert calls.notification(notice).delivery == calls.history(story.call.id).deliveries[2] == saved
            with pytest.raises(RaceLost):
                calls.save_delivery(notice, delivery)
        following = calls.notification(replace(notice, sequence=3, source=third))
        assert (following.delivery, following.follows) == (None, True)

    def test_deliveries_of_several_calls_at_once(self, calls):
        first, second = (
            played(calls, *TALKING, call=replace(callback(), id=f"1_2_{each}_20261123090000")) for each in (1, 2)
        )
        wanted = [(story.call.id, number) for story in (first, second) for number in (2, 3)]
        assert calls.deliveries_of([]) == calls.deliveries_of(wanted) == {}
        saved = Delivery(DeliveryState.WAITING, NOW, (TOO_SLOW,), 1, at(5))
        for call_id, number in (wanted[0], wanted[3]):
            calls.save_delivery(Notice(call_id, number, calls.sources(call_id)[number], "app-1"), saved)
        found = replace(saved, version=1)
        assert calls.deliveries_of(wanted) == {wanted[0]: found, wanted[3]: found}

    def test_which_earlier_facts_were_not_attempted(self, calls):
        story = played(calls, *TALKING)
        sources = calls.sources(story.call.id)
        last = story.call.facts
        notices = [Notice(story.call.id, number, sources[number], "app-1") for number in range(2, last + 1)]
        assert calls.not_attempted(notices[-1]) == notices[:-1]
        calls.save_delivery(notices[1], Delivery(DeliveryState.WAITING, NOW, (TOO_SLOW,), 1, at(5)))
        assert calls.not_attempted(notices[-1]) == [notices[0], *notices[2:-1]]
        put_off = Delivery(DeliveryState.WAITING, NOW, due=at(5), put_off=1)
        calls.save_delivery(notices[2], put_off)
        assert calls.not_attempted(notices[-1]) == [notices[0], replace(notices[2], version=1), *notices[3:-1]]
        assert [calls.notification(each).follows for each in notices[2:4]] == [True, False]
        calls.save_delivery(notices[2], replace(put_off, version=1, requested=True))
        assert calls.not_attempted(notices[-1]) == [notices[0], *notices[3:-1]], "one that the SP asked for is its own"

    def test_what_waits_is_found_when_it_is_due_and_claimed_once(self, calls):
        ids = [accept(calls, callback(f"1_1_{number}_20261123090000"), slots=20).id for number in range(1, 21)]
        notices = [Notice(call_id, 2, "EVENT#n#1", "app-1", 3) for call_id in ids]
        for seconds, notice in enumerate(notices):
            calls.save_delivery(notice, Delivery(DeliveryState.WAITING, NOW, (TOO_SLOW,), 1, at(seconds), version=3))

        def due(until: float, limit: int = 99) -> list[str]:
            return sorted(waiting.call_id for waiting in calls.due(at(until), limit))

        assert (due(-1), due(7), len(due(99, 5))) == ([], sorted(ids[:8]), 5)
        waiting = {each.call_id: each for each in calls.due(at(7), 99)}
        assert calls.claim(waiting[ids[3]], at(600)) == Claimed(replace(notices[3], version=4), is_put_off=False)
        assert calls.claim(waiting[ids[3]], at(600)) is None
        assert (due(7), due(600)) == (sorted(set(ids[:8]) - {ids[3]}), sorted(ids))
        calls.save_delivery(notices[0], Delivery(DeliveryState.ACKNOWLEDGED, NOW, (TAKEN,), 2, version=4))
        calls.save_delivery(notices[1], Delivery(DeliveryState.WAITING, NOW, (TOO_SLOW,), 2, at(3), version=4), at(50))
        calls.give_up(replace(notices[2], version=4), "UnknownCall")
        calls.give_up(notices[19], "UnknownCall")
        assert due(9) == sorted(ids[4:10])
        assert due(50) == sorted([ids[1], *ids[4:19]])
        given_up = calls.history(ids[2]).deliveries[2]
        assert (given_up.state, given_up.note, given_up.due) == (DeliveryState.UNDELIVERED, "UnknownCall", None)
        assert {each for each in calls.open_calls() if each in ids} == set(ids), "the index holds both, apart"

    def test_an_sp_that_is_down_gets_ten_attempts_over_75_hours_and_then_it_is_undelivered(self, calls):
        """Of the end and of the CDR, with all queues, a sweeper that comes every minute, and recursion detection."""
        call = played(calls, *TALKING, CALLEE_LEFT, CALLER_LEFT).call
        world = DeliveryWorld(calls, lambda request: (6.0, Reply(None, note="too slow")), at=at(60))
        save, dues = calls.save_delivery, [NOW]

        def noting_when_it_is_due(notice, delivery, look_at=None):
            dues.append(delivery.due or NOW)
            return save(notice, delivery, look_at)

        calls.save_delivery = noting_when_it_is_due
        world.queue(Notice(call.id, number, source, "app-1") for number, source in calls.sources(call.id).items())
        world.sweep_every_minute(lambda now: any(due <= now < due + timedelta(minutes=4) for due in dues))
        world.clock.run_for(74 * 3600)
        ends = [call.facts - 1, call.facts]
        assert {calls.history(call.id).deliveries[number].state for number in ends} == {DeliveryState.WAITING}
        world.clock.run_for(26 * 3600)
        for number in ends:
            delivery = calls.history(call.id).deliveries[number]
            assert (delivery.state, delivery.note, delivery.due) == (DeliveryState.UNDELIVERED, "too slow", None)
            times = [attempt.at for attempt in delivery.attempts]
            assert len(times) == 10 == len(DELAYS) + 1
            assert times[-1] - times[0] > timedelta(hours=75)
            for planned, first, second in zip(DELAYS, times, times[1:], strict=False):
                put_off = timedelta(minutes=15)  # while the endpoint answers nothing
                assert planned <= second - first <= planned * 1.2 + put_off
        assert (world.dead, list(calls.due(at(10**7), 9)), world.retry.groups) == ([], [], {})

    def test_the_health_of_an_apps_endpoints(self, calls):
        story = played(calls, *TALKING)
        notice = Notice(story.call.id, 2, calls.sources(story.call.id)[2], "app-1")
        assert calls.notification(notice).health == EndpointHealth()
        circuits = {"https://a.example.com": Circuit(2), "https://b.example.com:8443": Circuit(7, at(90))}
        for version in (0, 1):
            health = EndpointHealth(circuits, ("https://sp.example.com/fee",) * version, version)
            calls.save_health("app-1", health, NOW)
            saved = replace(health, version=version + 1)
            assert calls.notification(notice).health == calls.endpoint_health("app-1") == saved
            with pytest.raises(RaceLost):
                calls.save_health("app-1", health, NOW)

    def test_what_is_outstanding_is_attempted_now_or_cancelled(self, calls):
        call, sent = played(calls, *TALKING, CALLEE_LEFT, CALLER_LEFT).call, {}
        sources = calls.sources(call.id)
        waiting, given_up = DeliveryState.WAITING, DeliveryState.UNDELIVERED
        for number, state, due in (
            (2, waiting, at(5)),
            (3, waiting, at(5000)),
            (4, given_up, None),
            (5, DeliveryState.ACKNOWLEDGED, None),
            (6, waiting, at(9000)),
            (7, given_up, None),
        ):
            sent[number] = Delivery(state, at(number), (TOO_SLOW,), 3, due, put_off=2)
            calls.save_delivery(Notice(call.id, number, sources[number], "app-1"), sent[number])
        manage = ManageNotifications(calls, calls, calls, FakeClock(at(100)))

        def listed(found):
            return [each.notice.sequence for each in found]

        found = {each.notice.sequence: each for each in manage.of_app("app-1")}
        assert list(found) == listed(manage.of_call(call.id)) == [2, 3, 4, 6, 7]
        assert found[3].url == "http://127.0.0.1:9999/status"
        for origin, numbers in (
            ("http://127.0.0.1:9999/other", [2, 3, 4, 6, 7]),
            ("https://127.0.0.1:9999/status", []),
        ):
            assert listed(manage.of_app("app-1", origin)) == listed(manage.of_call(call.id, None, origin)) == numbers
        assert listed(manage.of_call(call.id, 4)) == [4] and listed(manage.of_call(call.id, 5)) == []

        assert {number: manage.retry_now(found[number]) for number in (2, 3, 4)} == {2: False, 3: True, 4: True}
        assert [manage.cancel(found[number]) for number in (6, 7)] == [True, True]
        assert [manage.retry_now(found[3]), manage.cancel(found[4])] == [False, False], "they have changed"
        deliveries = calls.history(call.id).deliveries
        assert deliveries[3] == replace(sent[3], due=at(100), put_off=0, version=2, requested=True)
        assert deliveries[4] == Delivery(waiting, at(100), (TOO_SLOW,), due=at(100), version=2, requested=True)
        assert [deliveries[number].state for number in (6, 7)] == [DeliveryState.CANCELLED] * 2
        claimed = [calls.claim(each, at(700)) for each in calls.due(at(10_000), 9)]
        assert not any(each.is_put_off for each in claimed)
        assert sorted((each.notice.sequence, each.notice.source, each.notice.version) for each in claimed) == [
            (number, sources[number], version) for number, version in ((2, 1), (3, 2), (4, 2))
        ]
        assert sorted(each.position.first for each in calls.undelivered("app-1", None, 9)) == [2, 3, 4]

    def test_a_first_attempt_that_was_put_off_keeps_its_place_when_it_is_attempted_now(self, calls):
        call = played(calls, *TALKING).call
        notice = Notice(call.id, 2, calls.sources(call.id)[2], "app-1")
        calls.save_delivery(notice, Delivery(DeliveryState.WAITING, at(2), due=at(5000), put_off=2))
        manage = ManageNotifications(calls, calls, calls, FakeClock(at(100)))
        assert [manage.retry_now(each) for each in manage.of_call(call.id)] == [True]
        assert calls.history(call.id).deliveries[2].is_put_off

    def test_the_operator_lets_an_endpoint_be_probed_and_switches_a_url_on(self, calls):
        clock, gone = FakeClock(at(100)), ("https://sp.example.com/a", "https://sp.example.com/b")
        circuits = {"https://sp.example.com": Circuit(7, at(300)), "https://other.example.com": Circuit(2)}
        calls.save_health("app-1", EndpointHealth(circuits, gone), NOW)
        probe_now("app-1", "https://sp.example.com/x", log=calls, clock=clock)
        health = calls.endpoint_health("app-1")
        assert health.circuits == {**circuits, "https://sp.example.com": Circuit(7, at(100))}
        assert health.verdict("https://sp.example.com/x", at(100)) is Verdict.PROBE
        switch_on("app-1", gone[0], log=calls, clock=clock)
        assert calls.endpoint_health("app-1").gone == gone[1:]
        for refused in (
            lambda: probe_now("app-1", "https://sp.example.com/x", log=calls, clock=clock),
            lambda: probe_now("app-1", "https://other.example.com/x", log=calls, clock=clock),
            lambda: switch_on("app-1", gone[0], log=calls, clock=clock),
            lambda: switch_on("app-2", gone[1], log=calls, clock=clock),
        ):
            with pytest.raises(InvalidField, match="endpoint"):
                refused()

    def test_pings_are_counted_by_app_and_minute(self, calls):
        for seconds in (1, 30, 59):
            calls.count_ping("app-1", at(seconds), 3)
        with pytest.raises(TooManyPings) as refused:
            calls.count_ping("app-1", at(45), 3)
        assert refused.value.again_after == timedelta(seconds=15)
        calls.count_ping("app-2", at(45), 3)
        calls.count_ping("app-1", at(60), 3)

    def test_an_app_sends_so_many_requests_a_second(self, calls):
        """All at once, or evenly; another app's do not count."""

        def sent(*seconds: float, app: str = "app-1") -> list[bool]:
            taken = []
            for second in seconds:
                try:
                    calls.count_request(app, at(second), 4)
                except TooManyRequests as refused:
                    assert refused.again_after == timedelta(seconds=1)
                    taken.append(False)
                else:
                    taken.append(True)
            return taken

        assert sent(0, 0, 0, 0, 0, 0.2) == [True, True, True, True, False, False]
        assert sent(0.25, 0.26, 0.5) == [True, False, True], "a quarter of a second is one more"
        assert sent(0, app="app-2") == [True]
        assert sent(*(2 + quarter / 4 for quarter in range(8))) == [True] * 8
        assert sent(10, 10, 10, 10, 10) == [True] * 4 + [False], "what was not used is not saved up"

    def test_the_events_of_an_app_come_in_the_order_of_their_commits_page_by_page(self, calls):
        """Of twelve calls in several shards, committed in turn; the clock of one writer is two seconds behind."""
        ids = [accept(calls, callback(f"1_1_{number}_20261123090000"), slots=20).id for number in range(1, 13)]
        accept(calls, callback("9_9_9_20261123090000", "app-2"), slots=20)
        committed = []
        for step in range(3):
            for place, call_id in enumerate(ids):
                calls.now = at(10 * step + place // 4 - 2 * (place % 3 == 0 and step == 1))
                saved = calls.load(call_id)
                calls.save(Change(saved, replace(saved.call, facts=saved.call.facts + 1), (CallEnded(NOW, STOPPED),)))
                committed.append((int(calls.now.timestamp()), call_id, 2 + step))
        committed.sort()
        until, found, position = int(at(100).timestamp()), [], None
        while page := calls.after("app-1", position, until, 5):
            found += page
            position = page[-1].position
        assert [(each.position.second, each.call.id, min(each.facts)) for each in found] == committed
        assert [each.facts for each in found][:1] == [{2: CallEnded(NOW, STOPPED)}]
        assert [each.position for each in calls.after("app-1", None, committed[0][0], 99)][-1].second == committed[0][0]
        assert calls.after("app-1", None, committed[0][0] - 1, 99) == []
        assert calls.after("app-1", found[-1].position, committed[0][0], 99) == []
        assert calls.after("app-2", None, until, 99) == calls.after("app", None, until, 99) == []

    def test_what_is_undelivered_is_listed_until_it_is_acknowledged(self, calls):
        ids = [accept(calls, callback(f"1_1_{number}_20261123090000"), slots=20).id for number in range(1, 8)]
        for number, call_id in enumerate(ids):
            state = (DeliveryState.WAITING, DeliveryState.UNDELIVERED, DeliveryState.OVERTAKEN)[number % 3]
            due = at(99) if state is DeliveryState.WAITING else None
            delivery = Delivery(state, at(60 - number), (TOO_SLOW,), 1, due, requested=number == 0)
            calls.save_delivery(Notice(call_id, 2, "EVENT#n#1", "app-1"), delivery)
        listed = calls.undelivered("app-1", None, 99)
        assert [each.position.call_id for each in listed] == [ids[number] for number in (6, 4, 3, 1, 0)]
        assert [each.position.call_id for each in calls.undelivered("app-1", listed[1].position, 2)] == [ids[3], ids[1]]
        assert (listed[-1].delivery.requested, listed[-1].delivery.attempts) == (True, (TOO_SLOW,))
        taken = replace(listed[0].delivery, state=DeliveryState.ACKNOWLEDGED, due=None)
        calls.save_delivery(Notice(ids[6], 2, "EVENT#n#1", "app-1"), taken)
        calls.give_up(Notice(ids[3], 2, "EVENT#n#1", "app-1"), "UnknownApp")
        left = {each.position.call_id: each.delivery.state for each in calls.undelivered("app-1", None, 99)}
        assert left.keys() == {ids[number] for number in (4, 3, 1, 0)}
        assert left[ids[3]] is DeliveryState.UNDELIVERED
        assert calls.undelivered("app", None, 99) == []

    def test_an_event_is_never_listed_before_an_earlier_one_of_its_call(self, calls):
        call_id = accept(calls).id
        for second in (50, 48, 49, 51):
            calls.now = at(second)
            saved = calls.load(call_id)
            calls.save(Change(saved, replace(saved.call, facts=saved.call.facts + 1), (CallEnded(NOW, STOPPED),)))
        found = calls.after("app-1", None, int(at(99).timestamp()), 9)
        assert [(each.position.second - int(NOW.timestamp()), each.position.first) for each in found] == [
            (50, 2),
            (50, 3),
            (50, 4),
            (51, 5),
        ]

    def test_whether_a_later_fact_was_acknowledged(self, calls):
        call = played(calls, *TALKING).call
        notice = Notice(call.id, 2, "EVENT#n#1", "app-1")
        tried = Delivery(DeliveryState.WAITING, NOW, (TOO_SLOW,), 1, at(5))

        def overtaken() -> list[int]:
            return [number for number in range(1, call.facts + 1) if calls.is_later_acknowledged(call, number)]

        assert overtaken() == []
        calls.save_delivery(notice, replace(tried, state=DeliveryState.ACKNOWLEDGED))
        calls.save_delivery(replace(notice, sequence=4), tried)
        assert overtaken() == [1]
        calls.save_delivery(replace(notice, sequence=4), replace(tried, state=DeliveryState.ACKNOWLEDGED, version=1))
        assert overtaken() == [1, 2, 3]

    def test_the_end_is_told_by_its_cdr(self, calls):
        story = played(calls, *TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
        number = story.call.facts
        told = calls.notification(Notice(story.call.id, number, calls.sources(story.call.id)[number], "app-1"))
        assert (told.fact, told.cdr) == (CdrWritten(at(61)), cdr_of(story.call))

    def test_a_notice_of_what_is_not_there(self, calls):
        story = played(calls, *TALKING)
        notice = Notice(story.call.id, 2, calls.sources(story.call.id)[2], "app-1")
        for wrong in (
            replace(notice, call_id="1_1_1_20261123090000"),
            replace(notice, source="EVENT#x#1"),
            replace(notice, sequence=9),
        ):
            with pytest.raises(UnknownCall):
                calls.notification(wrong)
        with pytest.raises(UnknownApp):
            calls.notification(replace(notice, app="gone"))

    def test_the_history_of_a_call_is_its_row_its_facts_and_what_was_told(self, calls):
        story = played(calls, *TALKING)
        late = Delivery(DeliveryState.ACKNOWLEDGED, at(9), (TOO_SLOW, TAKEN), 2)
        calls.save_delivery(Notice(story.call.id, 2, "EVENT#n#1", "app-1"), late)
        accept(calls, callback("9_9_9_20261123090000"))
        history = calls.history(story.call.id)
        assert history.call == story.call
        assert history.facts == (CallAccepted(NOW), *story.facts)
        assert history.sources == calls.sources(story.call.id)
        assert history.deliveries == {2: replace(late, version=1)}

    def test_the_trace_of_a_call_has_every_event_with_what_it_made_true_and_its_answer(self, calls):
        story = played(calls, *TALKING)
        history, events = calls.trace(story.call.id)
        assert history == calls.history(story.call.id)
        assert [fact for event in events for fact in event.facts] == story.facts
        with_facts = [event for event in events if event.facts]
        assert [(event.at, event.first) for event in with_facts] == [
            (event.facts[0].at, 2 + sum(len(before.facts) for before in with_facts[:place]))
            for place, event in enumerate(with_facts)
        ]
        assert {event.network_call for event in events} == {NETWORK_CALL}
        assert [event.answer for event in events] == ["{}"] * len(events)
        assert [event.resumes for event in events if event.resumes] == [Wait.CALLER_ANSWER, Wait.CALLEE_ANSWER]

    def test_a_call_that_is_not_there_has_no_history(self, calls):
        for read in (calls.history, calls.trace):
            with pytest.raises(UnknownCall):
                read("1_1_1_20261123090000")

    def test_a_recording_comes_back(self, calls):
        recorded = replace(callback(), recording=Recording("recordings/1.wav", at(5), at(6), at(7)))
        assert calls.load(accept(calls, recorded).id).call == recorded


class TestInMemory(Promises):
    @pytest.fixture
    def calls(self):
        return Remembered()


class TestInDynamoDB(Promises):
    @pytest.fixture
    def calls(self, dynamo):
        return dynamo

    def test_a_request_that_began_before_a_reset_does_not_switch_a_url_off_again(self, calls):
        calls.accounts.reset_endpoints("app-1")
        assert calls.endpoint_health("app-1") == EndpointHealth()
        gone = EndpointHealth({"https://sp.example.com": Circuit(2)}, ("https://sp.example.com/fee",))
        calls.save_health("app-1", gone, NOW)
        calls.accounts.reset_endpoints("app-1")
        assert calls.endpoint_health("app-1") == EndpointHealth(version=2)
        with pytest.raises(RaceLost):
            calls.save_health("app-1", replace(gone, version=1), NOW)

    def test_the_parties_and_what_the_sp_said_of_them_are_sealed(self, calls):
        """In no spelling. The display numbers, which are the SP's own, end in other digits than the parties'."""
        asked = replace(callback(), user_data="call Sophia", notify=NotifyTo("https://sp.example.com/for-sophia"))
        story = played(calls, *TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)), call=asked)
        calls.store_token(story.call.id, token("t", 1))
        replied = replace(TAKEN, reply=CALLEE.e164)
        calls.save_delivery(
            Notice(story.call.id, 2, "EVENT#n#1", "app-1"),
            Delivery(DeliveryState.ACKNOWLEDGED, at(62), (replied,), 1),
        )
        assert calls.history(story.call.id).call == story.call
        assert calls.history(story.call.id).deliveries[2].attempts == (replied,)
        rows = str(calls.client.scan(TableName=calls.calls_table)["Items"])
        for spelling in (CALLER.e164, CALLEE.e164):
            assert spelling.removeprefix("+1") not in rows
        assert "ophia" not in rows
        assert asked.caller.display_number.e164 in rows

    def test_a_callback_as_most_sps_request_it_is_asked_in_one_write_unit(self, calls):
        """With an app's key, a memory and URLs of their usual lengths."""
        call = callback("3263827911_1044187234_2889035102_20261123090000", "k7Qm2Xw9Lr4Tz8Vb1Nc6Yd3Hf5Js0Gp2")
        urls = NotifyTo("https://sp.example.com/callbacks/status", "https://sp.example.com/callbacks/fee")
        call = replace(call, announces_end=False, notify=urls, rates=(1_000_000, 1_000_000))
        calls.accept(replace(call, memory=replace(MEMORY, sealed=b"x" * 180)), slots=9, close_by=at(60))
        row = calls.client.get_item(TableName=calls.calls_table, Key=key_of(call.id, "ASKED"))["Item"]
        assert item_bytes(row) < KB

    def test_a_cdr_with_all_that_it_may_have_is_one_write_unit(self, calls):
        call = replace(callback("3263827911_1044187234_2889035102_20261123090000"), rates=(99_999_999, 99_999_999))
        key = f"calls/{call.app}/{call.id}/2026/11/23/2026-11-23-09-00-12-123_{NETWORK_CALL}_{NETWORK_CALL}.wav"
        recording = Recording(key, at(12.3))
        longest = {"alerting_at": at(5.123456), "answered_at": at(6.123456), "ended_at": at(86_399.123456)}
        legs = {
            name: replace(getattr(call, name), network_id=NETWORK_CALL, dialled_at=at(1.5), **longest) for name in Party
        }
        call = replace(call, **legs, recording=recording, taken_up_at=NOW, network_call=NETWORK_CALL, facts=12)
        call = replace(call, dial_refusal="ServiceQuotaExceededException", ended_by=Party.CALLEE)
        accept(calls, call)
        saved = calls.load(call.id)
        over = replace(call, ending=EndReason.NOBODY_REMEMBERED, ending_at=at(86_399), ended_at=at(86_399.123456))
        calls.save(Change(saved, over, finalizes=True))
        row = calls.client.get_item(TableName=calls.calls_table, Key=key_of(call.id, "CDR"))["Item"]
        assert "receipt" in row
        assert item_bytes(row) < KB

    @pytest.mark.parametrize(
        ("item", "damage"),
        [
            ("ASKED", lambda row: {name: row[name] for name in ("call", "item")}),
            ("CALL", lambda row: row | {"ending": {"S": "a reason of a later release"}}),
            ("CDR", lambda row: row | {"ended_at": {"S": "yesterday"}}),
            ("ASKED", lambda row: row | {"sealed": {"B": b"sealed otherwise" * 9}}),
        ],
    )
    def test_a_call_with_a_damaged_item_is_not_readable(self, calls, item, damage):
        story = played(calls, *TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
        row = calls.client.get_item(TableName=calls.calls_table, Key=key_of(story.call.id, item))["Item"]
        calls.client.put_item(TableName=calls.calls_table, Item=damage(row))
        with pytest.raises(UnreadableCall):
            calls.history(story.call.id)

    def test_a_value_of_another_call_does_not_open(self, calls):
        first, second = (accept(calls, callback(f"1_1_{number}_20261123090000")).id for number in (1, 2))
        row = calls.client.get_item(TableName=calls.calls_table, Key=key_of(first, "ASKED"))["Item"]
        calls.client.put_item(TableName=calls.calls_table, Item=row | key_of(second, "ASKED"))
        assert calls.load(first).call.caller.number == CALLER
        with pytest.raises(SealBroken):
            calls.load(second)

    def test_functions_without_the_key_read_all_but_the_numbers(self, calls):
        story = played(calls, *TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
        unopened = DynamoCalls(calls.client, calls.calls_table, "accounts", KEEP, UnopenedRows())
        found = unopened.load(story.call.id).call
        assert (found.caller.number, found.callee.number) == (UNREAD, UNREAD)
        public = replace(story.call, notify=NotifyTo(), user_data=None)
        for leg in ("caller", "callee"):
            public = replace(public, **{leg: replace(getattr(public, leg), number=UNREAD)})
        assert found == public

    def test_every_item_of_a_call_expires(self, calls):
        """With the retention of calls: the first when the call is that old, the last a little later."""
        story = played(calls, *TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
        calls.store_token(story.call.id, token("t", 1))
        notice = Notice(story.call.id, 2, "EVENT#n#1", "app-1")
        calls.save_delivery(notice, Delivery(DeliveryState.ACKNOWLEDGED, at(62), (TAKEN,), 1))
        rows = calls.client.scan(TableName=calls.calls_table)["Items"]
        expires = {row["item"]["S"].partition("#")[0]: int(row["expires_at"]["N"]) for row in rows}
        assert expires.keys() == {"CALL", "ASKED", "EVENT", "TOKEN", "CDR", "DELIVERY"}
        first, last = ((at(seconds) + KEEP).timestamp() for seconds in (0, 62))
        assert {item: until for item, until in expires.items() if not first <= until <= last} == {}

    def test_a_call_that_does_not_open_does_not_end_the_events_of_an_app(self, calls):
        first, second = (accept(calls, callback(f"1_1_{number}_20261123090000")).id for number in (1, 2))
        row = calls.client.get_item(TableName=calls.calls_table, Key=key_of(second, "ASKED"))["Item"]
        for call_id in (first, second):
            saved = calls.load(call_id)
            calls.save(Change(saved, replace(saved.call, facts=saved.call.facts + 1), (CallEnded(NOW, STOPPED),)))
        calls.client.put_item(TableName=calls.calls_table, Item=row | key_of(first, "ASKED"))
        found = calls.after("app-1", None, int(at(99).timestamp()), 9)
        assert [each.call.id for each in found] == [second]

    def test_half_deleted_calls_do_not_end_the_events_of_an_app(self, calls):
        """DynamoDB deletes the expired items of a call one by one, within days."""
        ids = [accept(calls, callback(f"1_1_{number}_20261123090000"), slots=20).id for number in range(1, 9)]
        for number, call_id in enumerate(ids):
            calls.now = at(number)
            saved = calls.load(call_id)
            calls.save(Change(saved, replace(saved.call, facts=saved.call.facts + 1), (CallEnded(NOW, STOPPED),)))
        for call_id in ids[:6]:
            calls.client.delete_item(TableName=calls.calls_table, Key={"call": {"S": call_id}, "item": {"S": "CALL"}})
        found = calls.after("app-1", None, int(at(100).timestamp()), 2)
        assert [each.call.id for each in found] == ids[6:]

    def test_no_partition_has_what_every_call_writes(self, calls):
        """Neither of the tables nor of their indexes: one takes 1,000 writes a second, whatever the table may take."""
        written = Counter[str]()
        for number in range(60):
            call = accept(calls, callback(f"1_1_{number}_20261123090000", f"app-{number}"))
            if number % 2:  # the others are still open
                saved = calls.load(call.id)
                calls.save(change_of(saved, decide(saved.call, NeverTakenUp(at(200)))))
        for table, keys in ((calls.calls_table, ("call", "open", "listed")), (calls.accounts_table, ("pk",))):
            for row in calls.client.scan(TableName=table)["Items"]:
                written.update(row[key]["S"] for key in keys if key in row)
        assert sum("SLOTS#" in partition or "open#" in partition for partition in written) > 10
        of_all = {partition: items for partition, items in written.items() if not partition.startswith("person#")}
        assert max(of_all.values()) < 20, "of two people, as here, no more than they can telephone"

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


WRITE, UPDATE, READ, READ_ONE = "transact_write_items", "update_item", "batch_get_item", "get_item"
PLAIN = Change(SavedCall(callback(), 1), replace(callback(), ending=EndReason.STOPPED))
WITH_FACT = replace(PLAIN, facts=(LegDialledRecorded(NOW, Party.CALLER),))


@pytest.fixture
def refusing():
    """The store whose DynamoDB refuses what it is asked, as the real one may and neither imitation does."""
    client = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        yield DynamoCalls(client, "calls", "accounts", KEEP, ROWS), stubber


def cancelled(stubber, reasons, times=None):
    """Cancel a transaction, as often as it is written; how often."""
    lacks = set(reasons) <= {"None", "ThrottlingError", "ProvisionedThroughputExceeded"}
    response = {"CancellationReasons": [{"Code": reason} for reason in reasons]}
    count = times or (3 if lacks else 1)
    for _ in range(count):
        stubber.add_client_error(WRITE, "TransactionCanceledException", modeled_fields=response, http_status_code=400)
    return count


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
    cancelled(stubber, reasons)
    with pytest.raises(meaning):
        calls.save(WITH_FACT)
    stubber.assert_no_pending_responses()


def test_a_transaction_that_lacked_throughput_is_written_again(refusing):
    calls, stubber = refusing
    cancelled(stubber, ["None", "ThrottlingError"], times=2)
    stubber.add_response(WRITE, {})
    calls.save(WITH_FACT)
    stubber.assert_no_pending_responses()


REMEMBERING = replace(
    PLAIN,
    after=replace(callback(), callee=replace(callback().callee, dialled_at=NOW), memory=MEMORY),
    facts=(LegDialledRecorded(NOW, Party.CALLEE),),
)


@pytest.mark.parametrize(
    ("reasons", "meaning", "not_kept"),
    [
        (["None", "None", "ConditionalCheckFailed"], None, False),
        (["None", "None", "ThrottlingError"], None, True),
        (["None", "None", "ValidationError"], None, True),
        (["None", "None", "TransactionConflict"], RaceLost, False),
        (["ConditionalCheckFailed", "None", "ConditionalCheckFailed"], RaceLost, False),
        (["None", "ConditionalCheckFailed", "ThrottlingError"], RaceLost, False),
        (["ThrottlingError", "None", "ThrottlingError"], OutsideUnavailable, False),
    ],
)
def test_a_memory_never_costs_a_call(refusing, capsys, reasons, meaning, not_kept):
    """What cannot be remembered is left out, unless the call itself could not be written either."""
    calls, stubber = refusing
    times = cancelled(stubber, reasons)
    if meaning is None:
        stubber.add_response(WRITE, {})
    written: list[int] = []
    stubber.client.meta.events.register(
        "provide-client-params.dynamodb.*", lambda params, **_: written.append(len(params["TransactItems"]))
    )
    with nullcontext() if meaning is None else pytest.raises(meaning):
        calls.save(REMEMBERING)
    stubber.assert_no_pending_responses()
    assert written == [3] * times + ([2] if meaning is None else [])
    assert ("MemoryNotKept" in capsys.readouterr().out) == not_kept


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("ConditionalCheckFailedException", RaceLost),
        ("TransactionConflictException", RaceLost),
        ("ProvisionedThroughputExceededException", OutsideUnavailable),
        ("ValidationException", ClientError),
    ],
)
def test_why_a_single_write_was_refused(refusing, code, meaning):
    calls, stubber = refusing
    stubber.add_client_error(UPDATE, code, http_status_code=400)
    with pytest.raises(meaning):
        calls.save(PLAIN)


def test_a_write_whose_first_try_still_runs_is_not_known_to_be_done(refusing):
    """botocore repeats a write that timed out with the same token; DynamoDB says that it is still at it."""
    calls, stubber = refusing
    stubber.add_client_error(WRITE, "TransactionInProgressException", http_status_code=400)
    with pytest.raises(OutsideUnavailable):
        calls.save(WITH_FACT)


@pytest.mark.parametrize(("times", "raised"), [(4, UnknownCall), (5, OutsideUnavailable)])
def test_what_was_not_read_for_lack_of_throughput_is_asked_for_again(refusing, times, raised):
    calls, stubber = refusing
    left = {"calls": {"Keys": [{"call": {"S": callback().id}, "item": {"S": "CALL"}}], "ConsistentRead": True}}
    stubber.add_response(READ, {"Responses": {}, "UnprocessedKeys": left})
    for _ in range(times - 1):
        stubber.add_response(READ, {"Responses": {}, "UnprocessedKeys": left}, {"RequestItems": left})
    if times < 5:
        stubber.add_response(READ, {"Responses": {}}, {"RequestItems": left})
    with pytest.raises(raised):
        calls.load_for(callback().id, NETWORK_CALL, "000001")
    stubber.assert_no_pending_responses()


def test_a_call_and_its_token_are_read_as_they_were_last_written(refusing):
    """A read that is a moment old would miss what was just committed, and a state would wait for it (R1)."""
    calls, stubber = refusing
    newest = {"Keys": ANY, "ConsistentRead": True}
    stubber.add_response(READ, {"Responses": {}}, {"RequestItems": {"calls": newest}})
    with pytest.raises(UnknownCall):
        calls.load(callback().id)
    stubber.add_response(READ_ONE, {}, {"TableName": "calls", "Key": ANY, "ConsistentRead": True})
    assert calls.task_token(callback().id) is None
