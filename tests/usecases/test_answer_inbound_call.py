"""Calls to display numbers: whom they ring, what is recorded, and what is heard when nobody is rung."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.call_control.actions import DialAndBridge, HangUp, PlayPrompt
from duologue.call_control.events import InboundCall, LegAnswered, LegEnded
from duologue.call_control.facts import CallEnded, CdrWritten, InboundCallRecorded, LegDialledRecorded
from duologue.call_control.inbound import DEFAULT_TERMS
from duologue.call_control.prompts import AppPrompt
from duologue.domain.access.accounts import App, Sp, UnknownCallers
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result
from duologue.domain.errors import EventAlreadyProcessed, OutsideUnavailable, UnknownMemory
from duologue.domain.memory.call_memory import CallMemory, RememberedParty, SetBy, order_of
from duologue.domain.memory.memory_history import Pair, Repointing
from duologue.domain.numbers.phone_number import WITHHELD, PhoneNumber
from duologue.usecases.calls.process_network_event import ProcessNetworkEvent
from duologue.usecases.memory.find_memory import FindMemory
from duologue.usecases.memory.repoint_memory import RepointMemory
from duologue.usecases.ports.call_changes import HeldSlot
from duologue.usecases.ports.memories import TurnedAway
from duologue.usecases.until_written import no_pause
from duologue.wire.huawei.session_id import inbound_call_id
from tests.fakes.accounts import FakeAccounts
from tests.fakes.answering import answering
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.deny_lists import FakeDenyLists
from tests.fakes.flows import FakeFlows
from tests.fakes.inbound_calls import FakeInboundCalls
from tests.fakes.memories import FakeMemorySeal
from tests.fakes.network import FakeNetwork
from tests.fakes.placing import placing
from tests.samples import CALLEE, CALLER, LEG_A, NOW, at
from tests.samples import SHOWN_TO_CALLEE as DISPLAY
from tests.usecases.test_process_network_event import Said, Told

DEFAULT = PhoneNumber("+12025550199")
APP = App(
    "app-1",
    "sp-1",
    "secret-1",
    display_numbers=(DISPLAY.e164,),
    status_url="https://sp.example/status",
    fee_url="https://sp.example/fee",
    concurrent_calls=2,
    call_memory_hours=48,
)
TERMS = replace(DEFAULT_TERMS, ring_limit=timedelta(seconds=25), user_data="order-17")
BRIDGE = DialAndBridge(CALLER, DISPLAY, timedelta(seconds=25), None)
TRANSACTION = "0d9b1c1e-77a1-4b9c-9f5e-3c1d2b4a5e6f"
CALL_ID = inbound_call_id(TRANSACTION, NOW)


def rejected(status):
    return HangUp(Party.CALLER, LEG_A, status)


class ReturnsActions(Told):
    def carry_out(self, said, answer):
        """The actions are the answer."""


class World:
    """CALLER's callback has rung CALLEE, to whom it showed DISPLAY; and CALLEE dials that."""

    def __init__(self, app=APP):
        self.calls, self.accounts, self.seal, self.network = (
            FakeCalls(),
            FakeAccounts(),
            FakeMemorySeal(),
            ReturnsActions(),
        )
        self.turned_away: list[TurnedAway] = []
        self.accounts.add_sp(Sp("sp-1", "one", "hash"))
        self.accounts.add_app(app)
        self.inbound = FakeInboundCalls(self.calls, self.accounts)
        self.lists = FakeDenyLists()
        answer = answering(
            self.calls,
            self.network,
            seal=self.seal,
            inbound=self.inbound,
            counted=self.turned_away,
            lists=self.lists,
        )
        self.process = ProcessNetworkEvent(self.calls, FakeFlows(), self.network, FakeNetwork(), no_pause, answer)
        self.memory = self.remember()
        self.seal.requests = 0

    def remember(self, app="app-1", sp="sp-1", expires_at=None, region="US"):
        draft = self.seal.draft(DISPLAY, RememberedParty(CALLEE, "US"), RememberedParty(CALLER, region), TERMS)
        memory = CallMemory(
            key=draft.key,
            sp=sp,
            app=app,
            session="1_2_3_20261122090000",
            order=order_of(at(-3600), "1_2_3"),
            version=1,
            set_by=SetBy.CALL,
            remembered_at=at(-3600),
            expires_at=expires_at or at(3600),
            target=draft.target,
            sealed=draft.sealed,
        )
        self.calls.memories.rows[memory.key] = memory
        return memory

    def forget(self):
        self.calls.memories.rows.clear()

    def change_app(self, **settings):
        self.accounts.change_app("app-1", lambda app: replace(app, **settings))

    def hear(self, caller=CALLEE, display=DISPLAY, transaction=TRANSACTION, after=0.0):
        """The actions that the call's first event is answered with."""
        event = InboundCall(at(after), transaction, LEG_A, caller, display, NOW)
        self.answer = self.network.answers[self.process(Said(event, "000001", call_id=None))]
        return self.answer["actions"]

    def call(self, transaction=TRANSACTION):
        return self.calls.load(inbound_call_id(transaction, NOW)).call

    @property
    def reason(self):
        """Why the one call that was recorded ended; None: none was recorded."""
        [*recorded] = self.calls.rows.values()
        return recorded[0].call.ending if recorded else None


@pytest.fixture
def world():
    return World()


# ---- somebody is remembered


@pytest.mark.parametrize(
    "ceiling", [{"calls_per_day": 1}, {"minutes_per_day": 240}, {"calls_per_dialled_number_per_day": 1}]
)
def test_return_calls_count_too_and_one_beyond_a_ceiling_is_rejected(world, ceiling):
    """A return call is 240 minutes long at most."""
    world.change_app(**ceiling)
    assert world.hear() == [BRIDGE]
    assert world.call().longest_talk == timedelta(minutes=240)
    world.remember()
    world.calls.pairs.clear()
    assert world.hear(transaction="another") == [rejected(480)]
    assert world.call("another").ending is EndReason.CEILING_REACHED


@pytest.mark.parametrize("settings", [{}, {"calls_per_day": 9}])
def test_a_return_call_over_leaves_no_reservation(world, settings):
    world.change_app(**settings)
    world.hear()
    assert bool(world.calls.reserved) is bool(settings)


@pytest.mark.parametrize(
    "deny",
    [
        lambda world: world.lists.deny(CALLER.e164[:7]),
        lambda world: world.lists.numbers.add(CALLER),
        lambda world: world.change_app(denied_prefixes=(CALLER.e164[:7],)),
    ],
    ids=["the platform's list", "the do-not-call list", "the app's list"],
)
@pytest.mark.parametrize("rings", ["the remembered party", "the default number"])
def test_who_may_not_be_dialled_is_not_rung_and_the_sp_is_told_why(world, deny, rings):
    deny(world)
    if rings == "the default number":
        world.forget()
        world.change_app(unknown_callers=UnknownCallers.NUMBER, callback_number=CALLER.e164)
    assert world.hear() == [rejected(480)]
    assert world.reason is EndReason.CALLEE_DENIED
    assert world.calls.held_slots() == []
    assert world.call().callee.number == CALLER


def test_the_remembered_party_is_rung_and_the_call_recorded(world):
    assert world.hear() == [BRIDGE]
    assert world.answer["keep"] == CALL_ID, "all later events carry our id"
    call = world.call()
    assert (call.sp, call.app, call.pair, call.user_data) == ("sp-1", "app-1", world.memory.key.pair, "order-17")
    assert (call.caller.number, call.callee.number) == (CALLEE, CALLER)
    assert {call.caller.display_number, call.callee.display_number} == {DISPLAY}
    assert (call.accepted_at, call.taken_up_at, call.callee.dialled_at) == (NOW, NOW, NOW)
    assert call.notify == NotifyTo(APP.status_url, APP.fee_url)
    assert world.calls.facts_of(call.id) == [InboundCallRecorded(NOW), LegDialledRecorded(NOW, Party.CALLEE)]
    assert world.calls.held_slots() == [HeldSlot("app-1", call.id, pair=call.pair)]
    assert world.calls.committed[-1].starts_flow
    assert (world.inbound.reads, world.seal.requests) == (1, 1)
    assert call.rates == (0, 20_000), "the caller is not dialled"


@pytest.mark.parametrize(("asked_h", "app_h", "remembered_h"), [(2, 720, 2), (720, 5, 5)])
def test_who_is_rung_may_call_back_in_turn_no_longer_than_request_and_app_say(world, asked_h, app_h, remembered_h):
    world.remember(expires_at=at(-3600 + asked_h * 3600))
    world.change_app(call_memory_hours=app_h)
    world.hear()
    back = world.calls.memories.rows[world.seal.key(DISPLAY, CALLER)]
    assert (back.session, back.remembered_at) == (CALL_ID, NOW)
    assert back.expires_at == NOW + timedelta(hours=remembered_h)
    opened = world.seal.open(back, DISPLAY, CALLER)
    assert (opened.dialler.number, opened.target.number, opened.terms) == (CALLER, CALLEE, TERMS)


def test_who_is_rung_since_a_change_may_call_back_and_who_was_before_it_may_not(world):
    find = FindMemory(world.inbound, world.calls.memories, world.seal, FakeClock(NOW), "displayNbr")
    rules = placing(world.calls, FakeFlows(), FakeClock(NOW), lambda now: CALL_ID).rules
    RepointMemory(find, rules, no_pause)(Repointing(Pair(DISPLAY, CALLEE), DEFAULT, 1), APP, "the SP")
    assert world.hear() == [replace(BRIDGE, number=DEFAULT)]
    back = world.calls.memories.rows[world.seal.key(DISPLAY, DEFAULT)]
    assert world.seal.open(back, DISPLAY, DEFAULT).target.number == CALLEE
    assert world.seal.key(DISPLAY, CALLER) not in world.calls.memories.rows


@pytest.mark.parametrize(
    "goes", [World.forget, lambda world: world.remember(expires_at=at(2))], ids=["deleted", "expired"]
)
def test_a_memory_that_goes_cuts_no_call_that_rings(world, goes):
    world.hear()
    goes(world)
    answered = LegAnswered(at(3), TRANSACTION, Party.CALLEE, "leg-b", NOW)
    world.process(Said(answered, "000002", call_id=CALL_ID))
    call = world.call()
    assert (call.ending, call.callee.answered_at, call.user_data) == (None, at(3), "order-17")
    assert [slot.call_id for slot in world.calls.held_slots()] == [CALL_ID]


@pytest.mark.parametrize(("left", "rings"), [(1, True), (0, False), (-1, False)])
def test_the_clock_decides_and_not_the_deletion_of_expired_items(world, left, rings):
    world.remember(expires_at=at(left))
    assert world.hear() == ([BRIDGE] if rings else [rejected(480)])


def test_a_memory_of_another_app_of_the_sp_rings_by_that_apps_settings(world):
    world.accounts.add_app(replace(APP, key="app-2", concurrent_calls=1, status_url="https://two.example/status"))
    world.change_app(active=False)
    world.remember(app="app-2")
    assert world.hear() == [BRIDGE], "the suspended app need not answer"
    assert (world.call().app, world.call().notify.status_url) == ("app-2", "https://two.example/status")


# ---- nobody is


def withheld(world):
    return {"caller": None}


def nobody(world):
    world.forget()


def expired(world):
    world.remember(expires_at=at(0))


def other_sp(world):
    world.accounts.add_sp(Sp("sp-2", "two", "hash"))
    world.accounts.add_app(replace(APP, key="app-9", sp="sp-2", display_numbers=("+12025550188",)))
    world.remember(app="app-9", sp="sp-2")


def other_sp_of_its_app(world):
    world.remember(sp="sp-2")


def memory_off(world):
    world.change_app(call_memory=False)


def country_gone(world):
    world.change_app(countries=("CA",))


def no_country(world):
    world.remember(region=None)


def app_suspended(world):
    world.accounts.add_app(replace(APP, key="app-2", active=False))
    world.remember(app="app-2")


def app_removed(world):
    world.remember(app="app-7")


def other_pair(world):
    """A row that somebody has copied."""
    foreign = world.seal.draft(DISPLAY, RememberedParty(DEFAULT, "US"), RememberedParty(CALLER, "US"), TERMS)
    world.calls.memories.rows[world.memory.key] = replace(world.memory, sealed=foreign.sealed)


NOBODY = [
    withheld,
    nobody,
    expired,
    other_sp,
    other_sp_of_its_app,
    memory_off,
    country_gone,
    no_country,
    app_suspended,
    app_removed,
    other_pair,
]
WISHES = {
    UnknownCallers.REFUSE: [rejected(480)],
    UnknownCallers.PROMPT: [PlayPrompt(Party.CALLER, AppPrompt("app-1", "shop.wav")), rejected(0)],
    UnknownCallers.NUMBER: [DialAndBridge(DEFAULT, DISPLAY, DEFAULT_TERMS.ring_limit, None)],
}


@pytest.mark.parametrize("wish", UnknownCallers)
@pytest.mark.parametrize("why", NOBODY)
def test_where_nobody_is_remembered_the_answering_app_decides(world, why, wish):
    asked = why(world) or {}
    world.change_app(unknown_callers=wish, call_back_tone="shop.wav", callback_number=DEFAULT.e164)
    assert world.hear(**asked) == WISHES[wish]
    assert world.answer["keep"] == CALL_ID
    call = world.call()
    assert call.caller.number == (asked.get("caller", CALLEE) or WITHHELD)
    assert call.app == "app-1"
    assert call.memory is None, "whoever is rung then is not remembered, and does not reach who dialled"
    if wish is UnknownCallers.NUMBER:
        assert (call.ending, call.callee.number) == (None, DEFAULT)
        assert call.pair == (None if asked else world.memory.key.pair)
        assert [slot.call_id for slot in world.calls.held_slots()] == [CALL_ID]
    else:
        assert call.ending is EndReason.NOBODY_REMEMBERED
        assert not world.calls.held_slots()
        assert not world.calls.committed[-1].starts_flow
    if wish is UnknownCallers.REFUSE:
        ended = (CallEnded(NOW, EndReason.NOBODY_REMEMBERED), CdrWritten(NOW))
        assert tuple(world.calls.facts_of(CALL_ID)) == (InboundCallRecorded(NOW), *ended)


@pytest.mark.parametrize("number", [None, CALLEE.e164])
def test_a_default_number_that_is_missing_or_is_who_dials_refuses(world, number):
    world.forget()
    world.change_app(unknown_callers=UnknownCallers.NUMBER, callback_number=number)
    assert world.hear() == [rejected(480)]
    assert world.reason is EndReason.NOBODY_REMEMBERED


@given(
    left=st.sampled_from([-1, 0, 1]),
    sp=st.sampled_from(["sp-1", "sp-2"]),
    app=st.sampled_from(["app-1", "app-2", "removed"]),
    region=st.sampled_from(["US", "CA", None]),
    countries=st.sampled_from([("US",), ("CA",), ()]),
    copied=st.booleans(),
    what=st.lists(st.sampled_from([memory_off, "sp", "app", "number", "dialler"]), max_size=2, unique=True),
)
def test_the_look_up_and_the_call_agree_on_whether_somebody_is_rung(left, sp, app, region, countries, copied, what):
    """Whatever has happened to the memory, its app, its SP and the two numbers since."""
    world = World()
    world.accounts.add_app(replace(APP, key="app-2"))
    world.remember(app=app, sp=sp, expires_at=at(left), region=region)
    if copied:
        other_pair(world)
    world.change_app(countries=countries, call_memory=memory_off not in what, active="app" not in what)
    world.accounts.set_sp_active("sp-1", active="sp" not in what)
    if "number" in what:
        for key in ("app-1", "app-2"):
            world.accounts.change_app(key, lambda app: replace(app, display_numbers=("+12025550188",)))
    if "dialler" in what:
        loop_of_another_sp(world)
    find = FindMemory(world.inbound, world.calls.memories, world.seal, FakeClock(NOW), "displayNbr")
    try:
        rings = find.of_sp(Pair(DISPLAY, CALLEE)).explained(()).why_not is None
    except UnknownMemory:
        rings = False
    assert (world.hear() == [BRIDGE]) == rings


# ---- what is not recorded


def no_number(world):
    return {"display": None}


def no_owner(world):
    world.change_app(display_numbers=("+12025550188",))


def owner_suspended(world):
    world.accounts.set_sp_active("sp-1", active=False)


def answering_app_suspended(world):
    world.forget()
    world.change_app(active=False)


def loop(world):
    world.change_app(display_numbers=(DISPLAY.e164, CALLEE.e164))


def own_number(world):
    return {"caller": DISPLAY}


def loop_of_another_sp(world):
    world.accounts.add_sp(Sp("sp-2", "two", "hash"))
    world.accounts.add_app(replace(APP, key="app-9", sp="sp-2", display_numbers=(CALLEE.e164,)))


@pytest.mark.parametrize(
    ("why", "status", "counted"),
    [
        (no_number, 480, TurnedAway.NUMBER_OF_NOBODY),
        (no_owner, 480, TurnedAway.NUMBER_OF_NOBODY),
        (owner_suspended, 480, TurnedAway.OWNER_SUSPENDED),
        (answering_app_suspended, 480, TurnedAway.OWNER_SUSPENDED),
        (loop, 486, TurnedAway.LOOP),
        (own_number, 486, TurnedAway.LOOP),
        (loop_of_another_sp, 486, TurnedAway.LOOP),
    ],
)
def test_what_concerns_no_sp_is_rejected_and_counted_and_nobody_is_told(world, why, status, counted):
    asked = why(world) or {}
    assert world.hear(**asked) == [rejected(status)]
    assert world.answer["keep"] is None
    assert (world.calls.rows, world.calls.committed, world.turned_away) == ({}, [], [counted])


@pytest.mark.parametrize(("most", "others"), [(0, {"one", "another"}), (5, {"one", "another"}), (1, {"one"})])
def test_without_a_free_slot_the_call_is_over_at_once_and_the_caller_hears_busy(world, most, others):
    """Of the app's two, or of those that it allows return calls."""
    world.change_app(concurrent_return_calls=most)
    world.calls.slots["app-1"] = others
    assert world.hear() == [rejected(486)]
    call = world.call()
    assert (call.ending, call.callee.number, call.callee.dialled_at) == (EndReason.NO_ROOM, CALLER, None)
    assert world.calls.cdrs[CALL_ID].reason is EndReason.NO_ROOM
    assert world.seal.key(DISPLAY, CALLER) not in world.calls.memories.rows, "nobody was rung"


def test_a_pair_has_one_return_call_at_a_time(world):
    world.hear()
    assert world.hear(transaction="another") == [rejected(486)]
    assert (list(world.calls.rows), world.turned_away) == ([CALL_ID], [TurnedAway.PAIR_BUSY])


@pytest.mark.parametrize("wish", [UnknownCallers.REFUSE, UnknownCallers.PROMPT])
def test_a_scan_is_recorded_up_to_a_limit_per_number_and_minute(world, wish):
    world.forget()
    world.change_app(unknown_callers=wish)
    for number in range(62):
        world.hear(transaction=f"call {number}")
    assert world.answer["actions"] == [rejected(480)], "and nobody pays for a prompt"
    assert len(world.calls.rows) == 60
    assert world.turned_away == [TurnedAway.TOO_MANY] * 2
    world.hear(transaction="a minute later", after=60)
    assert len(world.calls.rows) == 61


# ---- the caller hangs up while its call is being recorded, by another process


def at_first(world, hang_up):
    hang_up()


def before_the_write(world, hang_up):
    once = iter([hang_up])
    world.calls.before_save = lambda: next(once, lambda: None)()


def after_the_write(world, hang_up):
    """The end has found no call, and the call is recorded before that is noted."""
    note = world.calls.note_hang_up

    def late(call_id):
        world.calls.note_hang_up = note
        world.hear()
        note(call_id)

    world.calls.note_hang_up = late
    hang_up()


@pytest.mark.parametrize("wish", [None, UnknownCallers.PROMPT])
@pytest.mark.parametrize("when", [at_first, before_the_write, after_the_write])
def test_a_caller_who_has_hung_up_is_over_whichever_event_is_processed_first(world, when, wish):
    if wish is not None:
        world.forget()
        world.change_app(unknown_callers=wish)
    left = Said(LegEnded(at(1), TRANSACTION, Party.CALLER, LEG_A, 0), "000002", call_id=None, called_in_at=NOW)
    when(world, lambda: world.process(left))
    world.hear()
    call = world.call()
    assert call.ended_at is not None
    assert call.ending is (
        EndReason.CALLER_LEFT if wish is None or when is not after_the_write else EndReason.NOBODY_REMEMBERED
    )
    assert not world.calls.held_slots()
    assert world.calls.cdrs[CALL_ID].reason is call.ending
    if when is not after_the_write:
        assert world.answer["actions"] == [], "nobody is rung, and nothing played"
        assert (call.callee.dialled_at, call.ended_by, call.caller.outcome) == (
            None,
            Party.CALLER,
            Outcome(Result.CANCELLED),
        )
        assert not world.calls.committed[-1].starts_flow


@pytest.mark.parametrize("status", [480, 486])
def test_the_end_of_a_call_that_was_rejected_without_a_record_is_not_noted(world, status):
    no_owner(world)
    world.hear()
    ended = LegEnded(at(1), TRANSACTION, Party.CALLER, LEG_A, status)
    world.process(Said(ended, "000002", call_id=None, called_in_at=NOW))
    assert world.calls.hung_up == set()


# ---- twice, at once, and when something is away


@pytest.mark.parametrize("wish", UnknownCallers)
@pytest.mark.parametrize("remembered", [True, False])
def test_a_repeat_gets_the_stored_answer_and_changes_nothing(world, remembered, wish):
    """The network asks again after 5 s, whatever has changed meanwhile."""
    if not remembered:
        world.forget()
    world.change_app(unknown_callers=wish, callback_number=DEFAULT.e164)
    first = world.hear()
    before = (dict(world.calls.rows), list(world.calls.committed), dict(world.calls.memories.rows))
    world.forget() if remembered else world.remember()
    requests = world.seal.requests
    assert world.hear(after=5) == first
    world.calls.memories.rows = before[2]
    assert (world.calls.rows, world.calls.committed) == before[:2]
    assert world.seal.requests == requests, "nothing is opened for it"


def test_two_at_once_give_one_call_and_one_answer(world):
    first: list[object] = []

    def the_other_process():
        world.calls.before_save = lambda: None
        first.append(world.hear())

    world.calls.before_save = the_other_process
    assert [world.hear()] == first
    assert list(world.calls.rows) == [CALL_ID]


@pytest.mark.parametrize("done", [True, False], ids=["it was done", "it was not done"])
def test_a_write_that_did_not_answer_is_looked_for(world, done):
    accept, lost = world.inbound.accept, iter([True])

    def accept_and_be_cut_off(answer):
        cut_off = next(lost, False)
        if done or not cut_off:
            accept(answer)
        if cut_off:
            raise OutsideUnavailable("calls table: ReadTimeoutError")

    world.inbound.accept = accept_and_be_cut_off
    assert world.hear() == [BRIDGE]
    assert (list(world.calls.rows), world.turned_away) == ([CALL_ID], [])


def out_of_reach(world):
    world.calls.memories.out_of_reach = True


def not_writable(world):
    world.calls.out_of_reach = True


def keys_away(world):
    world.seal.out_of_reach = True


def decryption_away(world):
    def away(*_):
        raise OutsideUnavailable("key service")

    world.seal.open = away


@pytest.mark.parametrize("what", [out_of_reach, not_writable, keys_away, decryption_away])
def test_a_service_that_is_away_is_not_nobody_remembered(world, what):
    """The event fails, so that the network asks again; nothing was answered, and nobody is told anything."""
    what(world)
    with pytest.raises(OutsideUnavailable):
        world.hear()
    assert (world.calls.rows, world.turned_away) == ({}, [])


def test_an_answer_that_another_process_stores_each_time_is_given_up(world):
    """It cannot be: but a loop that never ends would be worse."""

    def taken(_):
        raise EventAlreadyProcessed(CALL_ID)

    world.inbound.accept = taken
    with pytest.raises(OutsideUnavailable):
        world.hear()


def test_the_calling_party_of_a_callback_that_was_not_called_back_reaches_nobody(world):
    assert world.hear(caller=CALLER) == [rejected(480)]
