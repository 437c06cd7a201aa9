"""The verbs of the flow: what there is to wait for, who dials, and why a call is given up."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest

from duologue.call_control.events import BridgeFailed
from duologue.call_control.machine import decide
from duologue.domain.calls.due import TAKE_UP
from duologue.domain.calls.outcome import EndReason
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import (
    AlreadyAnswered,
    CalleeSilent,
    CallerSilent,
    CallStopping,
    DialRefused,
    DialUncertain,
    LongestReached,
    NoSuchNetworkCall,
    NothingWasDialled,
    OutsideUnavailable,
    StaleAttempt,
)
from duologue.usecases.calls.run_flow import RunFlow, WaitingTask
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.until_written import no_pause
from tests.call_control.stories import (
    CALLEE_WANTED,
    CALLER_ANSWERED,
    CALLER_DIALLED,
    TALKING,
    Story,
)
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.network import FakeNetwork
from tests.samples import NETWORK_CALL, NOW, at, callback, return_call

ID = callback().id
VERBS = ("ring_caller", "ring_callee", "talk", "last_minute", "give_up")


class Flow:
    """One call as these events left it, and the flow at work on it; a mark counts the invocations."""

    def __init__(self, *events, call=None, **changed) -> None:
        self.calls: Any = FakeCalls()
        self.network: Any = FakeNetwork(NETWORK_CALL)
        self.clock = FakeClock(at(70))
        call = replace(Story(*events, call=call).call, **{"taken_up_at": NOW if events else None} | changed)
        self.calls.accept(call, slots=9, close_by=NOW + TAKE_UP)
        self._invocations = self._attempts = 0

    def task(self, rank=None, *, is_repeat=False):
        self._attempts += 1
        number = self._attempts if rank is None else rank
        return WaitingTask(ID, f"token-{number}", number, is_repeat=is_repeat)

    def do(self, verb, *given, task=None, **more):
        self._invocations += 1
        mark = f"mark-{self._invocations}"
        flow = RunFlow(self.calls, self.network, self.clock, no_pause, lambda: mark)
        getattr(flow, verb)(task or self.task(**more), *(given or ((None,) if verb == "give_up" else ())))

    @property
    def saved(self):
        return self.calls.load(ID)


# ---- every verb


@pytest.mark.parametrize("verb", VERBS[:-1])
@pytest.mark.parametrize("events", [(), TALKING[:3], TALKING])
def test_a_call_that_is_ending_leads_to_its_end_and_dials_nobody(verb, events):
    flow = Flow(*events, ending=EndReason.STOPPED)
    with pytest.raises(CallStopping):
        flow.do(verb)
    assert (flow.network.dialled, flow.network.wanted) == ([], [])


@pytest.mark.parametrize("verb", VERBS)
def test_an_older_attempt_does_nothing(verb):
    """Its task was given up; what it goes on to do must not stand in the way of the attempt that lives."""
    flow = Flow(*TALKING[:3])
    flow.calls.store_token(ID, TaskToken("newer", Wait.END, 9))
    with pytest.raises(StaleAttempt):
        flow.do(verb, task=flow.task(rank=8))
    assert flow.calls.task_token(ID).value == "newer"
    assert (flow.network.dialled, flow.network.wanted, flow.network.asked) == ([], [], [])


@pytest.mark.parametrize(
    ("verb", "events", "waits_for"),
    [
        ("ring_caller", (), Wait.CALLER_ANSWER),
        ("ring_callee", TALKING[:3], Wait.CALLEE_ANSWER),
        ("talk", TALKING, Wait.END),
        ("last_minute", TALKING, Wait.END),
        ("give_up", TALKING[:3], Wait.END),
    ],
)
def test_the_token_is_stored_before_the_call_is_read(verb, events, waits_for):
    """Whoever commits what is waited for after that read finds the token (R1)."""
    flow, seen = Flow(*events), []
    load = flow.calls.load

    def look(call_id):
        seen.append(flow.calls.tokens.get(ID))
        return load(call_id)

    flow.calls.load = look
    flow.do(verb)
    assert seen[0] == TaskToken("token-1", waits_for, 1)


# ---- ring the caller


def test_the_caller_is_dialled_by_who_left_the_mark_before():
    flow, marks = Flow(), []

    def look(call, mark, store):
        marks.extend([mark, flow.saved.dial_mark])

    flow.network.dial_caller = look
    flow.do("ring_caller")
    assert marks == ["mark-1", "mark-1"]
    assert flow.saved.call.taken_up_at == at(70)


def test_one_task_whose_function_is_invoked_twice_dials_once():
    """Step Functions' own SDK may repeat the invocation: both have one token, each draws a mark of its own."""
    flow = Flow()
    task = flow.task()
    flow.do("ring_caller", task=task)
    flow.do("ring_caller", task=task)
    assert flow.network.dialled == [ID]


def test_two_invocations_at_once_dial_once():
    flow = Flow()
    task = flow.task()

    def the_other() -> None:
        flow.calls.before_save = lambda: None
        flow.do("ring_caller", task=task)

    flow.calls.before_save = the_other
    flow.do("ring_caller", task=task)
    assert flow.network.dialled == [ID]


@pytest.mark.parametrize("died", [DialUncertain("ReadTimeoutError"), MemoryError()])
def test_a_dial_that_may_have_left_is_never_repeated(died):
    flow = Flow()
    flow.network.refusals = [died]
    with contextlib.suppress(MemoryError):
        flow.do("ring_caller")
    flow.do("ring_caller")
    assert flow.network.dialled == []
    assert flow.saved.dial_mark == "mark-1"
    assert flow.calls.task_token(ID).value == "token-2", "the later attempt waits"


def test_a_dial_for_which_there_was_no_room_is_repeated():
    flow = Flow()
    flow.network.refusals = [NothingWasDialled("ThrottledClientException")]
    with pytest.raises(NothingWasDialled):
        flow.do("ring_caller")
    assert (flow.saved.dial_mark, flow.saved.call.dial_refusal) == (None, "ThrottledClientException")
    flow.do("ring_caller")
    assert flow.network.dialled == [ID]
    assert flow.saved.call.dial_refusal is None


def test_a_dial_that_was_refused_for_good_keeps_the_networks_code():
    flow = Flow()
    flow.network.refusals = [DialRefused("BadRequestException")]
    with pytest.raises(DialRefused):
        flow.do("ring_caller")
    assert (flow.saved.dial_mark, flow.saved.call.dial_refusal) == (None, "BadRequestException")


def test_a_refusal_whose_mark_cannot_be_taken_back_is_final():
    """No attempt would dial, so it must not be tried again as if one could."""
    flow = Flow()
    flow.network.refusals = [NothingWasDialled("ThrottledClientException")]
    saves = iter([lambda: None])

    def fail() -> None:
        raise OutsideUnavailable("calls table")

    flow.calls.before_save = lambda: next(saves, fail)()
    with pytest.raises(DialRefused):
        flow.do("ring_caller")


def test_a_mark_that_was_taken_back_is_not_taken_from_a_later_attempt():
    """An SDK that repeats the write is told that a race was lost; meanwhile the next attempt may have dialled."""
    flow = Flow()
    flow.network.refusals = [NothingWasDialled("ThrottledClientException")]

    def dialled_meanwhile() -> None:
        flow.calls.before_save = lambda: None
        flow.calls.save(Change(flow.saved, flow.saved.call, clears_dial_mark=True))
        flow.do("ring_caller")

    saves = iter([lambda: None])
    flow.calls.before_save = lambda: next(saves, dialled_meanwhile)()
    with pytest.raises(NothingWasDialled):
        flow.do("ring_caller")
    assert (flow.saved.dial_mark, flow.network.dialled) == ("mark-2", [ID])


MOVES = {
    "it is stored": (lambda flow: None, True),
    "a stop": (lambda flow: flow.calls.change(ID, ending=EndReason.STOPPED), False),
    "the call is over": (lambda flow: flow.calls.change(ID, ended_at=at(70)), False),
    "the mark is another's": (
        lambda flow: flow.calls.save(Change(flow.saved, flow.saved.call, dial_mark="another")),
        False,
    ),
    "storage is unavailable": (lambda flow: flow.calls.unreadable.update({ID: OutsideUnavailable("table")}), False),
}


@pytest.mark.parametrize(("meanwhile", "asked"), MOVES.values(), ids=MOVES)
def test_somebody_else_is_asked_only_once_the_mark_says_so(meanwhile, asked):
    """The first one had no room. Whatever the second says, its mark is taken back."""
    flow, stored = Flow(), []

    def dial(call, mark, store):
        meanwhile(flow)
        stored.append(store("mark-of-the-second"))
        flow.calls.unreadable.clear()
        stored.append(flow.saved.dial_mark)
        raise NothingWasDialled("ThrottledClientException")

    flow.network.dial_caller = dial
    with pytest.raises(NothingWasDialled):
        flow.do("ring_caller")
    assert stored[0] is asked
    assert (stored[1] == "mark-of-the-second") is asked
    is_ours = stored[1] != "another" and flow.saved.call.ended_at is None
    assert flow.saved.dial_mark == (None if is_ours else stored[1])


def test_a_stop_between_two_attempts_is_seen():
    flow = Flow()
    flow.network.refusals = [NothingWasDialled("ThrottledClientException")]
    with pytest.raises(NothingWasDialled):
        flow.do("ring_caller")
    flow.calls.change(ID, ending=EndReason.STOPPED)
    with pytest.raises(CallStopping):
        flow.do("ring_caller")
    assert flow.network.dialled == []


RETURN_CALL = replace(return_call(), id=ID)


@pytest.mark.parametrize("events", [TALKING[:3], TALKING[:4]], ids=["the caller has answered", "the callee is dialled"])
def test_who_is_on_the_line_is_not_dialled_and_the_sweeper_knows(events):
    flow = Flow(*events, taken_up_at=None)
    with pytest.raises(AlreadyAnswered):
        flow.do("ring_caller")
    assert flow.network.dialled == []
    assert flow.saved.call.taken_up_at == at(70)


def test_the_caller_of_a_return_call_is_not_dialled():
    flow = Flow(call=RETURN_CALL)
    with pytest.raises(AlreadyAnswered):
        flow.do("ring_caller")
    assert flow.network.dialled == []


@pytest.mark.parametrize("verb", ["ring_caller", "ring_callee"])
def test_a_return_call_that_failed_before_its_flow_began_is_left_to_its_prompt(verb):
    """Giving up asks the network for the end, which would cut the prompt."""
    flow = Flow(BridgeFailed(at(1), NETWORK_CALL, 486), call=RETURN_CALL)
    flow.do(verb)
    assert (flow.network.dialled, flow.network.wanted) == ([], [])
    stopped = Flow(call=RETURN_CALL, ending=EndReason.STOPPED)
    with pytest.raises(CallStopping):
        stopped.do(verb)


# ---- ring the callee


def test_the_callee_is_asked_for_until_it_is_dialled():
    flow = Flow(*TALKING[:3])
    flow.do("ring_callee")
    flow.do("ring_callee")
    assert flow.network.wanted == [("dial_callee", NETWORK_CALL)] * 2, "call_control dials once"


@pytest.mark.parametrize(
    ("events", "changed"),
    [(TALKING[:4], {}), (TALKING[:3], {"prelude_at": at(4)})],
    ids=["it is dialled", "the prompt before it is heard"],
)
def test_what_was_asked_for_is_only_waited_for(events, changed):
    flow = Flow(*events, **changed)
    flow.do("ring_callee")
    assert flow.network.wanted == []


def test_the_callee_of_a_return_call_is_waited_for_though_its_caller_has_not_answered():
    flow = Flow(call=RETURN_CALL)
    flow.do("ring_callee")
    assert flow.calls.task_token(ID).waits_for is Wait.CALLEE_ANSWER


@pytest.mark.parametrize("verb", ["ring_callee", "talk"])
def test_whoever_finds_the_caller_up_records_that_the_flow_has_begun(verb):
    flow = Flow(*TALKING, taken_up_at=None)
    with contextlib.suppress(AlreadyAnswered):
        flow.do(verb)
    assert flow.saved.call.taken_up_at == at(70)


# ---- talk, and its last minute


@pytest.mark.parametrize("store_fails", [False, True])
def test_why_the_callee_was_not_dialled_is_kept_until_it_is(store_fails):
    flow = Flow(CALLER_DIALLED, CALLER_ANSWERED)
    flow.network.refusals = [NothingWasDialled("ThrottledClientException")]
    if store_fails:
        flow.calls.before_save = refuse
    with pytest.raises(NothingWasDialled):
        flow.do("ring_callee")
    assert flow.saved.call.dial_refusal == (None if store_fails else "ThrottledClientException")
    assert decide(flow.saved.call, CALLEE_WANTED).call.dial_refusal is None


def test_no_capacity_for_the_callee_ends_the_call_with_the_networks_code():
    flow = Flow(CALLER_DIALLED, CALLER_ANSWERED)
    flow.network.refusals = [NothingWasDialled("ThrottledClientException")]
    with pytest.raises(NothingWasDialled):
        flow.do("ring_callee")
    flow.do("give_up", NothingWasDialled)
    assert (flow.saved.call.ending, flow.saved.call.dial_refusal) == (EndReason.NO_ROOM, "ThrottledClientException")


def refuse() -> None:
    raise OutsideUnavailable("calls table")


@pytest.mark.parametrize("failure", [NothingWasDialled("x"), OutsideUnavailable("x"), NoSuchNetworkCall("x")])
def test_whatever_becomes_of_the_announcement_the_call_goes_on(failure):
    flow = Flow(*TALKING)
    flow.network.refusals = [failure]
    flow.do("last_minute")


def test_a_longest_talk_that_nobody_set_ends_without_a_word():
    flow = Flow(*TALKING, announces_end=False)
    with pytest.raises(LongestReached):
        flow.do("last_minute")
    assert flow.network.wanted == []


# ---- give up


def test_the_reason_is_recorded_before_the_network_is_asked_to_end_the_call():
    flow, recorded = Flow(*TALKING), []

    def look(network_call):
        recorded.append(flow.saved.call.ending)
        return True

    flow.network.end = look
    flow.do("give_up", LongestReached)
    assert recorded == [EndReason.LONGEST_CALL]
    assert flow.saved.call.ending_at == at(70)


@pytest.mark.parametrize(("events", "error"), [(TALKING[:3], CallerSilent), (TALKING, CalleeSilent)])
def test_who_has_answered_meanwhile_is_not_given_up(events, error):
    flow = Flow(*events)
    with pytest.raises(AlreadyAnswered):
        flow.do("give_up", error)
    assert (flow.saved.call.ending, flow.network.asked) == (None, [])


def test_an_answer_that_crosses_the_time_out_counts():
    """It is looked at in the same write that records the reason."""
    flow = Flow(CALLER_DIALLED)
    answered = Story(CALLER_DIALLED, CALLER_ANSWERED).call.caller
    races = iter([lambda: flow.calls.change(ID, caller=answered)])
    flow.calls.before_save = lambda: next(races, lambda: None)()
    with pytest.raises(AlreadyAnswered):
        flow.do("give_up", CallerSilent)


def test_a_stop_is_not_told_as_something_else():
    flow = Flow(*TALKING, ending=EndReason.STOPPED)
    flow.do("give_up", CallStopping)
    assert (flow.saved.call.ending, flow.network.asked) == (EndReason.STOPPED, [NETWORK_CALL])


def test_a_dial_that_may_have_left_is_waited_for():
    flow = Flow()
    flow.network.refusals = [DialUncertain("ReadTimeoutError")]
    flow.do("ring_caller")
    flow.do("give_up", CallerSilent)
    assert flow.saved.call.ending is EndReason.CALLER_SILENT


def test_a_call_that_the_network_forgot_waits_for_its_hang_ups():
    flow = Flow(*TALKING)
    flow.network.known.clear()
    flow.do("give_up", LongestReached)


def test_a_network_out_of_reach_is_asked_again():
    flow = Flow(*TALKING)
    flow.network.busy = True
    with pytest.raises(OutsideUnavailable):
        flow.do("give_up", LongestReached)
    flow.network.busy = False
    flow.do("give_up", LongestReached)
    assert flow.network.asked == [NETWORK_CALL]
