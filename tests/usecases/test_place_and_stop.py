"""Placing and stopping: what is recorded, what is dialled, and what remains if something breaks in between."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.domain.access.accounts import App
from duologue.domain.calls.call import NotifyTo, Phase
from duologue.domain.calls.callback_request import CallbackRequest
from duologue.domain.calls.due import ENDING, TAKE_UP, due_by
from duologue.domain.calls.outcome import EndReason
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import (
    DayCeilingReached,
    DialledNumberLimitReached,
    LimitReached,
    OutsideUnavailable,
    RaceLost,
    UnknownCall,
)
from duologue.domain.media.audio import Audio, AudioListeners
from duologue.domain.memory.call_memory import MemoryTerms, RememberedParty, memory_of_call
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.calls.place_callback import FIRST_IS_OVER, Placed, RingTimeouts
from duologue.usecases.calls.stop_callback import StopCallback
from duologue.usecases.operating.end_calls import EndCalls, EndedByOperator
from duologue.usecases.until_written import no_pause
from tests.call_control.stories import CALLER_DIALLED, TALKING, Story
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.flows import FakeFlows
from tests.fakes.memories import FakeMemorySeal
from tests.fakes.network import FakeNetwork
from tests.fakes.placing import placing
from tests.samples import CALLEE, CALLER, NETWORK_CALL, NOW, SHOWN_TO_CALLEE, SHOWN_TO_CALLER, at, callback

APP = App("app-1", "sp-1", "secret", concurrent_calls=2)
ID = callback().id
REQUEST = CallbackRequest(
    CALLER,
    CALLEE,
    SHOWN_TO_CALLER,
    SHOWN_TO_CALLEE,
    SHOWN_TO_CALLER,
    longest_talk=timedelta(minutes=5),
    notify=NotifyTo("https://sp.example.com/s", None),
    user_data="order-17",
)


class Desk:
    def __init__(self, *ids: str) -> None:
        self.calls, self.flows, self.clock, self.seal = FakeCalls(), FakeFlows(), FakeClock(), FakeMemorySeal()
        self.placed: list[Placed] = []
        self._ids = iter(ids or (f"1_2_{number}_20261123090000" for number in range(99)))

    def place(self, request=REQUEST, app=APP):
        place = placing(self.calls, self.flows, self.clock, lambda now: next(self._ids), seal=self.seal)
        self.placed.append(place(lambda: request, app, is_test=False))
        return self.calls.load(self.placed[-1].id).call


def test_a_callback_is_recorded_and_its_flow_started():
    desk = Desk()
    call = desk.place()
    assert (call.caller.display_number, call.callee.display_number) == (SHOWN_TO_CALLER, SHOWN_TO_CALLEE)
    order = desk.flows.started[call.id]
    assert (order.talk, order.last_minute) == (timedelta(minutes=4), timedelta(minutes=1))
    assert "+1202555" not in str(order), "no number leaves the store"
    assert desk.calls.load(call.id).close_by == NOW + TAKE_UP


@pytest.mark.parametrize("named", [NotifyTo("https://sp.example.com/s", None), NotifyTo()])
def test_what_the_request_leaves_open_is_the_apps(named):
    app = replace(APP, status_url="https://sp.example.com/app-s", fee_url="https://sp.example.com/app-f")
    told = Desk().place(replace(REQUEST, notify=named), app).notify
    assert told == NotifyTo(named.status_url or app.status_url, app.fee_url)


def remembered(desk: Desk, call):
    """The memory that the callee's dial will create, as that party's return call opens it."""
    memory = memory_of_call(replace(call, callee=replace(call.callee, dialled_at=NOW)))
    assert memory is not None
    return desk.seal.open(memory, SHOWN_TO_CALLEE, CALLEE)


def test_what_a_return_call_takes_over():
    desk = Desk()
    wanted = replace(
        REQUEST,
        wants_memory=True,
        memory_period=timedelta(hours=24),
        call_back_tone="sorry.wav",
        wants_record=True,
        wants_party_type=True,
        audio=Audio("before.wav", "music.wav", "last.wav", AudioListeners.CALLER, "notice.wav"),
    )
    call = desk.place(wanted, replace(APP, fee_url="https://sp.example.com/app-f"))
    opened = remembered(desk, call)
    assert (opened.display, opened.dialler, opened.target) == (
        SHOWN_TO_CALLEE,
        RememberedParty(CALLEE, "US"),
        RememberedParty(CALLER, "US"),
    )
    assert opened.terms == MemoryTerms(
        ring_limit=timedelta(seconds=30),
        longest_talk=timedelta(minutes=5),
        announces_end=True,
        wants_recording=True,
        audio=Audio(last_minute="last.wav", last_minute_to=AudioListeners.CALLEE, recording_notice="notice.wav"),
        notify=REQUEST.notify,
        user_data="order-17",
        wants_party_type=True,
        call_back_tone="sorry.wav",
    ), "the same person hears the last minute; without URLs of the request, the app's of that day"
    assert call.memory.period == timedelta(hours=24)


def test_without_a_wish_or_a_key_service_a_callback_is_placed_and_not_remembered(caplog):
    desk = Desk()
    assert desk.place().memory is None
    desk.seal.out_of_reach = True
    assert desk.place(replace(REQUEST, wants_memory=True)).memory is None
    assert [desk.placed[0].memory_failed, desk.placed[1].memory_failed] == [False, True]
    assert "call memory not made" in caplog.messages


def test_every_wait_is_longer_than_the_work_beneath_it():
    timeouts = RingTimeouts()
    assert timeouts.caller_wait > timeouts.caller_ring
    assert timeouts.callee_wait >= timeouts.callee_ring + 2 * timeouts.prompts + timedelta(seconds=20)
    waits = timeouts.caller_wait + timeouts.callee_wait + 2 * timeouts.dial_retries
    assert timeouts.before_talk(timedelta(0)) > waits + TAKE_UP
    assert timeouts.before_talk(timedelta(minutes=3)) == timeouts.before_talk(timedelta(0)) + timedelta(minutes=3)


@pytest.mark.parametrize(
    ("minutes", "waits"), [(0, (86400, 1)), (1440, (86340, 60)), (30, (1740, 60)), (2, (60, 60)), (1, (1, 59))]
)
def test_the_longest_talk_is_waited_for_up_to_its_last_minute(minutes, waits):
    desk = Desk()
    app = replace(APP, longest_call_minutes=1440)
    call = desk.place(replace(REQUEST, longest_talk=timedelta(minutes=minutes) or None), app)
    order = desk.flows.started[call.id]
    assert (order.talk.total_seconds(), order.last_minute.total_seconds()) == waits
    assert call.announces_end == bool(minutes), "a limit that nobody set is not announced"


def test_the_wait_for_the_callee_is_longer_by_the_apps_prompt_before_it():
    app = replace(APP, prompts={"long.wav": 200.0})
    timeouts = RingTimeouts()
    wanted = replace(REQUEST, wants_prompt_before_callee=True, audio=Audio(before_callee="long.wav"))
    waits, due = [], []
    for request in (REQUEST, replace(wanted, wants_prompt_before_callee=False), wanted):
        desk = Desk()
        call = desk.place(request, app)
        waits.append(desk.flows.started[call.id].callee_wait - timeouts.callee_wait)
        due.append(due_by(replace(call, taken_up_at=NOW)))
    assert waits == [timedelta(0), timedelta(0), timedelta(seconds=200)]
    assert [each - due[0] for each in due] == waits


def test_a_recording_is_kept_as_its_app_was_set_when_the_call_was_accepted():
    assert Desk().place(app=replace(APP, keep_recordings_days=7)).keep_recording_days == 7


def test_the_limit_of_concurrent_calls():
    desk = Desk()
    desk.place()
    desk.place()
    with pytest.raises(LimitReached):
        desk.place()
    assert len(desk.calls.rows) == len(desk.flows.started) == 2


def test_callbacks_take_the_slots_last_that_return_calls_may_have():
    desk, app = Desk(), replace(APP, concurrent_calls=3, concurrent_return_calls=1)
    assert [desk.calls.numbers[desk.place(app=app).id] for _ in range(3)] == [1, 2, 0]


def test_an_id_that_was_drawn_before_is_drawn_again():
    desk = Desk("same", "same", "other")
    assert [desk.place().id, desk.place().id] == ["same", "other"]


def test_a_start_that_is_not_known_to_have_worked_is_repeated_under_the_same_name():
    desk = Desk()
    desk.flows.failures = 1
    call = desk.place()
    assert list(desk.flows.started) == [call.id]


def test_a_call_that_cannot_start_is_withdrawn_untold():
    desk = Desk()
    desk.flows.failures = 2
    with pytest.raises(OutsideUnavailable):
        desk.place()
    [row] = desk.calls.rows.values()
    assert row.call.phase is Phase.OVER, "a flow that did start may not dial"
    assert row.call.ending is EndReason.NEVER_STARTED
    assert [type(fact).__name__ for fact in desk.calls.facts_of(row.call.id)] == ["CallAccepted"]
    assert desk.calls.slots["app-1"] == set()


def test_a_withdrawal_that_fails_too_is_left_to_the_sweeper():
    desk = Desk()
    desk.flows.failures = 2
    desk.calls.before_save = lambda: (_ for _ in ()).throw(RaceLost("busy"))
    with pytest.raises(OutsideUnavailable):
        desk.place()
    [row] = desk.calls.rows.values()
    assert desk.calls.overdue(NOW + timedelta(minutes=3), 10) == [row.call.id]


@pytest.mark.parametrize(("minutes", "gets"), [(None, 240), (1440, 240), (241, 240), (240, 240), (5, 5)])
def test_a_longer_talk_than_the_app_may_have_is_cut(minutes, gets):
    """Not refused: clients of the format send any maxDuration up to a day."""
    call = Desk().place(replace(REQUEST, longest_talk=None if minutes is None else timedelta(minutes=minutes)))
    assert call.longest_talk == timedelta(minutes=gets)
    assert call.announces_end is (minutes is not None)


@pytest.mark.parametrize(
    ("settings", "placed", "error", "said"),
    [
        ({"calls_per_day": 2}, 2, DayCeilingReached, "calls"),
        ({"minutes_per_day": 11}, 2, DayCeilingReached, "minutes"),
        ({"spend_per_day": 1}, 5, DayCeilingReached, "spend"),  # two legs of five minutes at 0.02 USD are 0.20 USD
        ({"calls_per_dialled_number_per_day": 1}, 1, DialledNumberLimitReached, "callerNbr was dialled as often today"),
    ],
)
def test_the_ceilings_of_an_app_and_what_a_failed_start_gives_back(settings, placed, error, said):
    """REQUEST asks for five minutes. Whatever the flow could not be started for counts for nothing."""
    desk, app = Desk(), replace(APP, concurrent_calls=9, **settings)
    desk.flows.failures = 2
    with pytest.raises(OutsideUnavailable):
        desk.place(app=app)
    for _ in range(placed):
        desk.place(app=app)
    with pytest.raises(error, match=f"^{said}"):
        desk.place(app=app)
    if error is DialledNumberLimitReached:
        other = PhoneNumber("+12025550155")
        for field, caller, callee in (("callerNbr", CALLEE, other), ("calleeNbr", other, CALLER)):
            with pytest.raises(error, match=f"^{field} was dialled as often today"):
                desk.place(replace(REQUEST, caller=caller, callee=callee), app)


def test_a_call_keeps_what_a_minute_costs_also_of_an_app_without_a_cap_of_spend():
    wanted, app = replace(REQUEST, callee=PhoneNumber("+442079460123")), replace(APP, countries=("US", "GB"))
    call = Desk().place(wanted, app)
    assert call.rates == (20_000, 50_000)


class Stopping:
    def __init__(self, *events, known=(NETWORK_CALL,), busy=False) -> None:
        self.calls, self.flows, self.clock = FakeCalls(), FakeFlows(), FakeClock(at(60))
        self.network = FakeNetwork(*known, busy=busy)
        story = Story(*events)
        self.calls.accept(callback(), slots=9, close_by=due_by(story.call))
        self.calls.change(
            callback().id, **{name: getattr(story.call, name) for name in story.call.__dataclass_fields__}
        )

    def stop(self, call_id=ID, app="app-1"):
        StopCallback(self.calls, self.network, self.flows, self.clock, no_pause)(call_id, app)

    def waits(self):
        self.calls.store_token(ID, TaskToken("token-1", Wait.END, 1))

    @property
    def ending(self):
        return self.calls.load(callback().id).call.ending


def test_a_stop_before_anything_is_dialled_is_a_wish_on_the_row():
    desk = Stopping()
    desk.stop()
    assert desk.ending is EndReason.STOPPED
    assert desk.network.asked == []


@pytest.mark.parametrize("events", [(CALLER_DIALLED,), TALKING], ids=["while the caller rings", "in talk"])
def test_a_stop_asks_the_network_after_it_is_recorded(events):
    desk = Stopping(*events)
    desk.stop()
    desk.stop()
    assert desk.ending is EndReason.STOPPED
    assert desk.network.asked == [NETWORK_CALL, NETWORK_CALL]


def test_the_first_reason_to_end_stands():
    desk = Stopping(*TALKING)
    desk.calls.change(callback().id, ending=EndReason.LONGEST_CALL)
    desk.stop()
    assert desk.ending is EndReason.LONGEST_CALL


def test_another_apps_call_and_a_call_that_is_over_are_unknown():
    desk = Stopping(*TALKING)
    with pytest.raises(UnknownCall):
        desk.stop(app="app-2")
    with pytest.raises(UnknownCall):
        desk.stop(call_id="9_9_9_20261123090000")
    assert desk.ending is None
    desk.calls.change(callback().id, ending=EndReason.HUNG_UP, ended_at=NOW)
    with pytest.raises(UnknownCall):
        desk.stop()


def test_a_busy_network_leaves_the_ending_to_the_flow():
    desk = Stopping(*TALKING, busy=True)
    desk.waits()
    desk.stop()
    assert desk.flows.interrupted == ["token-1"]


def test_a_call_that_the_network_has_forgotten_is_left_to_the_flow():
    """Its hang-ups were not heard; the flow waits for something that will not come."""
    desk = Stopping(*TALKING, known=())
    desk.waits()
    desk.stop()
    desk.stop()
    assert desk.flows.interrupted == ["token-1", "token-1"], "twice is harmless: the second finds nobody waiting"


@pytest.mark.parametrize("waits", [True, False])
def test_a_stop_without_access_to_the_network_is_left_to_the_flow(waits):
    """One that does not wait yet reads the call before it asks for anything."""
    desk = Stopping(*TALKING)
    if waits:
        desk.waits()
    StopCallback(desk.calls, None, desk.flows, desk.clock, no_pause)(ID, "app-1")
    assert desk.ending is EndReason.STOPPED
    assert (desk.flows.interrupted, desk.network.asked) == (["token-1"] if waits else [], [])


def test_a_flow_that_waits_is_not_disturbed_while_the_network_ends_the_call():
    desk = Stopping(*TALKING)
    desk.waits()
    desk.stop()
    assert desk.flows.interrupted == []


@pytest.mark.parametrize("known", [(), (NETWORK_CALL,)], ids=["forgotten", "known"])
def test_a_stop_is_carried_out_though_all_that_follows_it_is_lost(known):
    """Nobody waits, and what the network was asked never reaches us: the sweeper comes in minutes."""
    desk = Stopping(*TALKING, known=known)
    desk.stop()
    desk.stop()
    assert desk.calls.overdue(at(60) + ENDING - timedelta(seconds=1), 10) == []
    assert desk.calls.overdue(at(60) + ENDING, 10) == [ID]


def test_a_busy_network_and_nobody_waiting_is_said():
    desk = Stopping(*TALKING, busy=True)
    with pytest.raises(OutsideUnavailable):
        desk.stop()
    assert desk.ending is EndReason.STOPPED, "the wish stands; a repeat carries it out"


def test_a_stop_that_races_with_an_event_is_recorded():
    desk = Stopping(CALLER_DIALLED)
    races = iter([lambda: desk.calls.change(callback().id, user_data="stepped")])
    desk.calls.before_save = lambda: next(races, lambda: None)()
    desk.stop()
    assert desk.ending is EndReason.STOPPED


def end_calls(desk):
    return EndCalls(desk.calls, desk.calls, desk.flows, desk.clock, no_pause)


@pytest.mark.parametrize("events", [(), (CALLER_DIALLED,), TALKING], ids=["accepted", "ringing", "talking"])
def test_the_operator_ends_a_call_by_its_flow_and_twice_is_success(events):
    desk = Stopping(*events)
    desk.waits()
    before = desk.calls.load(ID).call.phase
    assert end_calls(desk).one(ID) == EndedByOperator(ID, "app-1", before)
    assert (desk.ending, desk.flows.interrupted) == (EndReason.STOPPED, ["token-1"])
    assert end_calls(desk).one(ID).phase is Phase.ENDING
    desk.calls.change(ID, ended_at=NOW)
    assert end_calls(desk).one(ID).phase is Phase.OVER
    with pytest.raises(UnknownCall):
        end_calls(desk).one("9_9_9_20261123090000")


def test_all_calls_of_an_app_are_ended_also_those_of_requests_of_before_its_suspension():
    desk = Desk()
    first, other = desk.place(), desk.place(app=replace(APP, key="app-2"))
    waits = []

    def wait(time):
        waits.append(time)
        desk.place()

    ended = end_calls(desk).of_apps({"app-1"}, wait)
    late = desk.placed[-1].id
    assert [each.call_id for each in ended] == [first.id, late]
    assert waits == [FIRST_IS_OVER]
    endings = [desk.calls.load(call_id).call.ending for call_id in (first.id, late, other.id)]
    assert endings == [EndReason.STOPPED, EndReason.STOPPED, None]


def test_a_call_that_cannot_be_ended_keeps_no_other_from_being_ended_and_is_named():
    desk = Desk()
    first, second = desk.place(), desk.place()
    for call in (first, second):
        desk.calls.store_token(call.id, TaskToken(f"token of {call.id}", Wait.END, 1))
    desk.flows.failures = 1
    assert len(end_calls(desk).of_apps({"app-1"}, lambda _: None)) == 2, "the second time it is reached"
    assert sorted(desk.flows.interrupted) == sorted(f"token of {call.id}" for call in (first, second))
    third = desk.place(app=replace(APP, concurrent_calls=9))
    desk.calls.store_token(third.id, TaskToken("lost", Wait.END, 1))
    desk.flows.failures = 99
    with pytest.raises(OutsideUnavailable, match=third.id):
        end_calls(desk).of_apps({"app-1"}, lambda _: None)
