"""Calls to display numbers are found and recorded alike in memory, in moto's DynamoDB and in the local cloud's."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest

from duologue.adapters.access.dynamo_account_book import DynamoAccountBook
from duologue.adapters.calls.call_stream import committed_of
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.adapters.memory.dynamo_inbound_calls import DynamoInboundCalls
from duologue.adapters.rows.memory_rows import remembered
from duologue.call_control.facts import CallEnded, CdrWritten, InboundCallRecorded, LegDialledRecorded
from duologue.call_control.inbound import connect, hung_up, play_tone, reject
from duologue.call_control.machine import decide
from duologue.domain.access.accounts import App, Sp, UnknownCallers
from duologue.domain.calls.due import due_by
from duologue.domain.calls.memory_draft import MemoryKey
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.errors import (
    CallerHungUp,
    EventAlreadyProcessed,
    InvalidField,
    LimitReached,
    PairBusy,
    UnknownApp,
    UnknownCall,
)
from duologue.domain.memory.call_memory import CallMemory, InboundApp, SetBy, order_of
from duologue.usecases.calls.process_network_event import change_of
from duologue.usecases.ports.call_changes import ProcessedEvent
from duologue.usecases.ports.memories import Found, InboundAnswer, InboundEvent, NumberOwner
from tests.call_control.stories import CALLER_LEFT
from tests.fakes.accounts import FakeAccounts
from tests.fakes.calls import FakeCalls
from tests.fakes.inbound_calls import FakeInboundCalls
from tests.fakes.seals import ROWS
from tests.journeys.tables import make_tables
from tests.samples import CALLEE, CALLER, NETWORK_CALL, NOW, TARGET, at, incoming
from tests.samples import SHOWN_TO_CALLEE as DISPLAY
from tests.store import KEEP, NoSeal, Store, held

KEY = MemoryKey("display", "callee")
EVENT = InboundEvent("4_5_6_20261123090000", NETWORK_CALL, "000001")
PROCESSED = ProcessedEvent(NETWORK_CALL, "000001", '{"Actions": []}')
APP = App(
    "app-1",
    "sp-1",
    "secret-1",
    display_numbers=(DISPLAY.e164,),
    status_url="https://sp.example/status",
    countries=("US", "CA"),
    concurrent_calls=3,
    recording=True,
    recording_notices=("notice.wav",),
    keep_recordings_days=7,
    call_memory_hours=48,
    unknown_callers=UnknownCallers.PROMPT,
    call_back_tone="shop.wav",
    callback_number="+12025550199",
    rejects_failed_return_calls=True,
)


def settings(app=APP, *, sp_is_active=True):
    return InboundApp.of(app, sp_is_active=sp_is_active)


def memory(app="app-1", sp="sp-1", key=KEY):
    return CallMemory(
        key, sp, app, "1_2_3_20261123090000", order_of(NOW, "1_2_3"), 1, SetBy.CALL, NOW, at(3600), "caller", b"sealed"
    )


def connected(call_id=EVENT.call_id, pair="callee", slots=10, target=TARGET):
    """`call_id` also names the network call."""
    decision = connect(incoming(call_id=call_id), replace(target, pair=pair))
    call = replace(decision.call, network_call=call_id)
    return InboundAnswer(call, decision.facts, replace(PROCESSED, network_call=call_id), slots)


class Promises:
    """What every store of calls to display numbers keeps."""

    def test_a_number_that_no_app_shows_is_nobodys(self, inbound, accounts):
        assert inbound.find(DISPLAY, CALLEE, KEY, EVENT) == Found()
        assert inbound.find(DISPLAY, None, None, None) == Found()
        accounts.add_sp(Sp("sp-1", "one", "hash"))
        accounts.add_app(replace(APP, active=False))
        accounts.remove_app("app-1")
        assert inbound.find(DISPLAY, CALLEE, KEY, EVENT) == Found()

    def test_everything_that_decides_is_found(self, inbound, accounts, remember):
        accounts.add_sp(Sp("sp-1", "one", "hash"))
        accounts.add_app(APP)
        accounts.add_app(replace(APP, key="app-2", call_memory=False))
        remember(memory("app-2"))
        owner = NumberOwner("sp-1", "app-1")
        second = settings(replace(APP, key="app-2", call_memory=False))
        for _ in range(2):
            assert inbound.find(DISPLAY, CALLEE, KEY, EVENT) == Found(owner, memory("app-2"), second, settings())
            assert inbound.find(DISPLAY, CALLER, MemoryKey("display", "caller"), None) == Found(
                owner, owner_app=settings()
            )
            assert inbound.find(DISPLAY, None, None, EVENT) == Found(owner, owner_app=settings())

    def test_settings_are_the_current_ones_whatever_was_read_before(self, inbound, accounts, remember):
        accounts.add_sp(Sp("sp-1", "one", "hash"))
        accounts.add_sp(Sp("sp-2", "two", "hash"))
        accounts.add_app(APP)
        remember(memory())

        def found():
            return inbound.find(DISPLAY, CALLEE, KEY, None)

        assert found().memory_app == settings()
        changed = accounts.change_app("app-1", lambda app: replace(app, call_memory=False, countries=()))
        assert (found().memory_app, found().owner_app) == (settings(changed), settings(changed))
        accounts.set_sp_active("sp-1", active=False)
        assert found().memory_app == settings(changed, sp_is_active=False)
        accounts.change_app("app-1", lambda app: replace(app, active=False))
        accounts.remove_app("app-1")
        assert found() == Found(memory=memory())
        theirs = replace(APP, key="app-9", sp="sp-2")
        accounts.add_app(theirs)
        owner = NumberOwner("sp-2", "app-9")
        assert found() == Found(owner, memory(), None, settings(theirs)), "of the memory of another SP no app is read"
        remember(replace(memory("app-2", "sp-2"), order=order_of(at(1), "1_2_3")))
        accounts.add_app(replace(APP, key="app-2", display_numbers=("+12025550109",)))
        assert found().memory_app is None, "nor is an app of another SP"

    def test_which_app_answers_unknown_callers(self, inbound, accounts):
        """The first that showed the number, until the operator names another; an app that shows it no more does not."""
        accounts.add_sp(Sp("sp-1", "one", "hash"))
        for key in ("app-3", "app-1", "app-2"):
            accounts.add_app(replace(APP, key=key))

        def answers():
            return inbound.find(DISPLAY, None, None, None).owner.app

        assert answers() == "app-3"
        accounts.set_answering_app(DISPLAY.e164, "app-2")
        assert answers() == "app-2"
        accounts.change_app("app-2", lambda app: replace(app, display_numbers=("+12025550109",)))
        assert answers() == "app-1"
        with pytest.raises(InvalidField, match=r"^display number \+12025550101 is not shown by the app app-2$"):
            accounts.set_answering_app(DISPLAY.e164, "app-2")
        with pytest.raises(UnknownApp):
            accounts.set_answering_app(DISPLAY.e164, "app-9")
        assert answers() == "app-1"

    def test_whether_the_dialling_number_is_a_display_number(self, inbound, accounts):
        accounts.add_sp(Sp("sp-1", "one", "hash"))
        accounts.add_app(replace(APP, display_numbers=(DISPLAY.e164, CALLER.e164)))
        dialled_by = {number: inbound.find(DISPLAY, number, KEY, None) for number in (DISPLAY, CALLER, CALLEE)}
        assert [found.dialler_is_ours for found in dialled_by.values()] == [True, True, False]

    def test_a_connected_call_is_recorded_with_its_answer_and_its_event_is_found(self, inbound, calls):
        answer = connected()
        inbound.accept(answer)
        call, facts = answer.call, (InboundCallRecorded(NOW), LegDialledRecorded(NOW, Party.CALLEE))
        saved, before = calls.load_for(call.id, call.network_call, "000001")
        assert (saved.call, saved.version, saved.close_by) == (call, 1, due_by(call))
        assert before == answer.processed
        assert calls.history(call.id).facts == facts
        assert held(calls) == {"app-1": {call.id: "callee"}}
        assert set(calls.open_calls()) == {call.id}
        assert inbound.find(DISPLAY, CALLER, TARGET.memory.key, None).memory == answer.remembers, "who is rung may call"
        event = InboundEvent(call.id, call.network_call, "000001")
        assert inbound.find(DISPLAY, CALLEE, KEY, event).before == answer.processed
        assert inbound.find(DISPLAY, CALLEE, KEY, replace(event, event_key="000002")).before is None

    def test_the_end_of_a_call_frees_its_slot_and_its_pair(self, inbound, calls):
        for number in range(2):
            answer = connected(f"1_2_{number}_20261123090000", slots=1)
            inbound.accept(answer)
            saved = calls.load(answer.call.id)
            calls.save(
                change_of(saved, decide(saved.call, replace(CALLER_LEFT, network_call=answer.call.network_call)))
            )
            assert calls.load(answer.call.id).call.ended_at is not None
        assert not list(calls.held_slots())

    def test_a_call_whose_caller_has_hung_up_is_recorded_only_as_over(self, inbound, calls):
        """The note is of that call alone, and is kept for the repeats of its event."""
        calls.note_hang_up(EVENT.call_id)
        calls.note_hang_up(EVENT.call_id)
        for answer in (connected(), InboundAnswer((tone := play_tone(incoming())).call, tone.facts, PROCESSED)):
            with pytest.raises(CallerHungUp):
                inbound.accept(answer)
        with pytest.raises(UnknownCall):
            calls.load(EVENT.call_id)
        assert not list(calls.held_slots())
        inbound.accept(connected("1_2_2_20261123090000"))
        over = hung_up(incoming(), TARGET)
        inbound.accept(InboundAnswer(over.call, over.facts, PROCESSED))
        history = calls.history(EVENT.call_id)
        assert (history.call, history.cdr.reason) == (over.call, EndReason.CALLER_LEFT)
        assert set(calls.open_calls()) == {"1_2_2_20261123090000"}

    def test_what_is_refused_is_not_recorded(self, inbound, calls):
        """In this order: answered before, the pair is busy, no slot is free."""
        first = connected(slots=2)
        inbound.accept(first)
        with pytest.raises(EventAlreadyProcessed):
            inbound.accept(first)
        second, third = "1_2_2_20261123090000", "1_2_3_20261123090000"
        with pytest.raises(PairBusy):
            inbound.accept(connected(second, slots=1))
        with pytest.raises(PairBusy):
            inbound.accept(connected(second, slots=2))
        inbound.accept(connected(second, "another", slots=2))
        for pair in ("a third", None):
            with pytest.raises(LimitReached):
                inbound.accept(connected(third, pair, slots=2))
        assert set(calls.open_calls()) == {EVENT.call_id, second}
        assert held(calls) == {"app-1": {EVENT.call_id: "callee", second: "another"}}

    def test_a_call_that_is_over_at_once_takes_nothing_and_has_its_cdr(self, inbound, calls):
        decision = reject(incoming(), EndReason.NOBODY_REMEMBERED)
        inbound.accept(InboundAnswer(decision.call, decision.facts, PROCESSED))
        history = calls.history(EVENT.call_id)
        ended = (CallEnded(NOW, EndReason.NOBODY_REMEMBERED), CdrWritten(NOW))
        assert history.facts == (InboundCallRecorded(NOW), *ended)
        assert (history.call, history.cdr.reason) == (decision.call, EndReason.NOBODY_REMEMBERED)
        assert calls.load(EVENT.call_id).close_by is None
        assert (list(calls.open_calls()), list(calls.overdue(at(99999), 10))) == ([], [])
        assert [each.call_id for each in calls.unreconciled(datetime.max.replace(tzinfo=UTC), 9)] == [EVENT.call_id]
        assert not list(calls.held_slots())

    def test_a_call_that_hears_a_prompt_is_open_without_a_slot(self, inbound, calls):
        decision = play_tone(incoming())
        inbound.accept(InboundAnswer(decision.call, decision.facts, PROCESSED))
        assert calls.load(EVENT.call_id).close_by == due_by(decision.call)
        assert set(calls.open_calls()) == {EVENT.call_id}
        assert not list(calls.held_slots())

    def test_calls_that_rang_nobody_are_counted_per_number_and_minute(self, inbound):
        counts = [inbound.count_unconnected(DISPLAY, at(second), 2) for second in (0, 59, 59, 60, 61, 62)]
        assert counts == [True, True, False, True, True, False]
        assert inbound.count_unconnected(CALLEE, at(0), 2)


class TestInMemory(Promises):
    @pytest.fixture
    def calls(self):
        return FakeCalls()

    @pytest.fixture
    def accounts(self):
        return FakeAccounts()

    @pytest.fixture
    def inbound(self, calls, accounts):
        return FakeInboundCalls(calls, accounts)

    @pytest.fixture
    def remember(self, calls):
        return calls.memories.remember


class TestInDynamo(Promises):
    @pytest.fixture
    def tables(self, aws):
        return make_tables(aws("dynamodb"))

    @pytest.fixture
    def accounts(self, tables):
        client, _, accounts = tables
        return DynamoAccountBook(client, accounts, NoSeal())

    @pytest.fixture
    def calls(self, tables):
        return Store(*tables)

    @pytest.fixture
    def inbound(self, tables):
        client, calls, accounts = tables
        numbers = count()
        core = DynamoCalls(client, calls, accounts, KEEP, ROWS)
        return DynamoInboundCalls(client, accounts, calls, core, lambda below: next(numbers) % below)

    def test_a_call_costs_one_read_and_one_transaction(self, inbound, accounts, remember, tables):
        """The first one to a display number in a process needs a second read: it does not know whose it is."""
        asked: list[str] = []
        tables[0].meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
        accounts.add_sp(Sp("sp-1", "one", "hash"))
        accounts.add_app(APP)
        remember(memory())
        asked.clear()
        for number in range(3):
            event = replace(EVENT, call_id=f"1_2_{number}_20261123090000")
            found = inbound.find(DISPLAY, CALLEE, KEY, event)
            assert found.memory_app == found.owner_app == settings()
            inbound.accept(connected(event.call_id, f"pair {number}"))
        assert asked == [
            "BatchGetItem",
            "BatchGetItem",
            "TransactWriteItems",
            *["BatchGetItem", "TransactWriteItems"] * 2,
        ]

    def test_the_stream_starts_the_flow_of_a_call_that_rings_and_of_no_other(self, inbound, tables):
        inbound.accept(connected())
        decision = reject(incoming(call_id="7_8_9_20261123090000"))
        inbound.accept(InboundAnswer(decision.call, decision.facts, replace(PROCESSED, network_call="another")))
        items = tables[0].scan(TableName=tables[1])["Items"]
        records = [{"eventName": "INSERT", "dynamodb": {"NewImage": item}} for item in items]
        begun = {each.call_id: each.starts_flow for each in committed_of({"Records": records})}
        assert begun == {EVENT.call_id: True, decision.call.id: False}

    @pytest.fixture
    def remember(self, tables):
        client, _, accounts = tables
        return lambda memory: client.update_item(**remembered(accounts, memory)["Update"])
