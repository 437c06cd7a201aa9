"""The safety net: exactly one CDR, whoever writes it, and no call left open."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.events import StopAsked
from duologue.call_control.machine import decide
from duologue.domain.due import ENDING, due_by
from duologue.domain.errors import LegStillUp, OutsideUnavailable, UnknownCall
from duologue.domain.outcome import EndReason
from duologue.domain.task_token import TaskToken, Wait
from duologue.usecases.finalize_call import GRACE, FinalizeCall
from duologue.usecases.forward_facts import Committed, ForwardFacts
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.ports.notifying import Notice
from duologue.usecases.sweep_calls import SweepCalls, Swept
from duologue.usecases.until_written import no_pause
from tests.call_control.stories import CALLEE_LEFT, CALLER_DIALLED, CALLER_LEFT, TALKING, Story
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.failure_isolation import FakeFailureIsolation
from tests.fakes.flows import FakeFlows
from tests.fakes.network import FakeNetwork
from tests.fakes.notices import FakeNotices
from tests.samples import NETWORK_CALL, NOW, at, callback


class Net:
    def __init__(self, *events, known=(), taken_up=True) -> None:
        self.calls, self.flows, self.clock = FakeCalls(), FakeFlows(), FakeClock()
        self.network, self.isolate = FakeNetwork(*known), FakeFailureIsolation()
        self.add(callback().id, *events, taken_up=taken_up)

    def add(self, call_id, *events, taken_up=True):
        story = Story(*events, call=callback(call_id))
        self.calls.accept(callback(call_id), slots=99, close_by=at(60))
        changed = {name: getattr(story.call, name) for name in story.call.__dataclass_fields__ if name != "id"}
        self.calls.change(call_id, **changed | {"taken_up_at": NOW if taken_up else None, "facts": 1})

        self.finalize = FinalizeCall(self.calls, self.network, self.flows, self.clock, no_pause)

    def close(self):
        return self.finalize(callback().id)

    def sweep(self, seconds):
        self.clock.at = at(seconds)
        return SweepCalls(self.calls, self.finalize, self.clock, self.isolate)()

    @property
    def due(self):
        """In seconds, when the first call is due."""
        return (due_by(self.calls.load(callback().id).call) - NOW) / timedelta(seconds=1)

    @property
    def reason(self):
        return self.calls.cdrs[callback().id].reason


def test_what_the_last_hang_up_finalized_is_left_alone():
    net = Net(*TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
    assert net.close() is None
    assert net.network.asked == []


@pytest.mark.parametrize(
    ("events", "taken_up", "reason"),
    [
        ((), False, EndReason.NEVER_STARTED),
        ((), True, EndReason.CALLER_SILENT),
        ((CALLER_DIALLED,), True, EndReason.LOST),
        (TALKING, True, EndReason.LOST),
    ],
)
def test_a_call_that_no_event_ended_is_finalized_once(events, taken_up, reason):
    net = Net(*events, taken_up=taken_up)
    net.calls.store_token(callback().id, TaskToken("token-1", Wait.CALLEE_ANSWER, 1))
    assert net.close() == net.calls.load(callback().id).call
    assert net.close() is None
    assert net.reason is reason
    assert net.calls.slots["app-1"] == set()
    assert net.flows.resumed == ["token-1"]


def test_a_call_that_the_network_still_knows_is_asked_to_end_with_its_reason_on_the_row():
    net = Net(*TALKING, known=(NETWORK_CALL,))
    with pytest.raises(LegStillUp):
        net.close()
    assert net.network.asked == [NETWORK_CALL]
    assert net.calls.load(callback().id).call.ending is EndReason.LOST
    assert net.calls.cdrs == {}


@pytest.mark.parametrize(
    ("events", "taken_up", "without_events"), [((), False, 0), ((), True, 1), ((CALLER_DIALLED,), True, 0)]
)
def test_a_dial_without_any_event_is_counted(events, taken_up, without_events):
    """Refused by a permission of ours, say: the SP reads that the caller did not answer, the operator must know."""
    net = Net(*events, taken_up=taken_up)
    assert net.sweep(net.due) == Swept(finalized=1, remaining=0, without_events=without_events)


def test_a_hang_up_that_comes_between_wins():
    net = Net(*TALKING)
    ended = Story(*TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61))).call
    races = iter([lambda: net.calls.change(callback().id, ended_at=ended.ended_at, ending=EndReason.HUNG_UP)])
    net.calls.before_save = lambda: next(races, lambda: None)()
    assert net.close() is None


def test_an_unknown_call():
    net = Net()
    net.calls.rows.clear()
    with pytest.raises(UnknownCall):
        net.close()


GRACE_S = GRACE / timedelta(seconds=1)
ENDING_S = ENDING / timedelta(seconds=1)


def test_a_call_that_is_not_due_is_put_off_until_it_is():
    """What is stored is earlier: of a call that talks for an hour nobody writes when it is due but the sweeper."""
    net = Net(*TALKING, known=(NETWORK_CALL,))
    due = net.due
    assert net.sweep(61) == Swept(0, 0)
    assert net.calls.overdue(at(due - 1), 10) == []
    assert net.calls.overdue(at(due), 10) == [callback().id]
    assert net.network.asked == []


def test_the_sweeper_takes_what_is_due_and_is_not_held_up_by_one_that_is_up():
    net = Net(*TALKING, known=(NETWORK_CALL,))
    due = net.due
    net.add("1_2_9_20261123090000", taken_up=False)
    assert net.sweep(due - 1) == Swept(finalized=1, remaining=0), "the one that was never taken up"
    assert net.sweep(due) == Swept(finalized=0, remaining=1), "the network still knows it"
    assert net.sweep(due + 1) == Swept(finalized=0, remaining=1), "that it was asked to end puts nothing off"
    assert net.sweep(due + GRACE_S) == Swept(finalized=1, remaining=0)
    assert net.sweep(99_999) == Swept(0, 0)


def test_a_call_that_was_stopped_is_due_minutes_after_that():
    net = Net(*TALKING, known=())
    saved = net.calls.load(callback().id)
    net.calls.save(Change(saved, decide(saved.call, StopAsked(at(70))).call))
    assert net.sweep(70 + ENDING_S) == Swept(finalized=1, remaining=0)
    assert net.reason is EndReason.STOPPED


def test_the_sweeper_is_not_stopped_by_a_call_that_it_cannot_even_read():
    """As after a version that wrote what this one does not know. It is told with its id, each time."""
    net = Net(taken_up=False)
    net.add("1_2_9_20261123090000", taken_up=False)
    broken = ValueError("'next' is not a valid EndReason")
    net.calls.unreadable[callback().id] = broken
    assert net.sweep(121) == Swept(finalized=1, remaining=1)
    assert net.sweep(121 + GRACE_S) == Swept(finalized=0, remaining=1)
    assert net.isolate.told == [(callback().id, broken)] * 2


def test_a_call_that_was_deleted_since_it_was_listed_is_no_fault_of_the_sweepers():
    net = Net(taken_up=False)
    net.calls.unreadable[callback().id] = UnknownCall(callback().id)
    assert net.sweep(121) == Swept(finalized=0, remaining=1)
    assert net.isolate.told == []


@pytest.mark.parametrize("late", [0, GRACE_S])
def test_a_network_out_of_reach_keeps_a_call_open_for_half_an_hour_at_the_most(late):
    net = Net(*TALKING, known=(NETWORK_CALL,))
    net.network.busy = True
    assert net.sweep(net.due + late) == Swept(finalized=late > 0, remaining=late == 0)
    assert (callback().id in net.calls.cdrs) == (late > 0)
    assert net.calls.load(callback().id).call.ending is EndReason.LOST


NOTICES = [
    Notice("c", 2, "EVENT#n#1", "app-1"),
    Notice("c", 3, "EVENT#n#1", "app-1"),
    Notice("d", 2, "EVENT#m#1", "app-1"),
]
COMMITTED = [Committed("c", tuple(NOTICES[:2]), Wait.CALLER_ANSWER), Committed("d", tuple(NOTICES[2:]))]


class Outbox:
    def __init__(self):
        self.calls, self.flows, self.notices = FakeCalls(), FakeFlows(), FakeNotices()
        self.isolate = FakeFailureIsolation()
        for call_id in "cd":
            self.calls.store_token(call_id, TaskToken(f"token-{call_id}", Wait.CALLER_ANSWER, 1))

    def forward(self, committed):
        ForwardFacts(self.calls, self.flows, self.notices, self.isolate)(committed)


def test_a_wait_that_cannot_be_resumed_holds_up_no_fact_and_no_other_wait():
    """Refused for good, it is told and passed over; out of reach, the batch comes again when the rest is done."""
    outbox = Outbox()
    denied = PermissionError("AccessDeniedException")
    outbox.flows.refusals["token-c"] = denied
    committed = [*COMMITTED, Committed("d", resumes=Wait.END)]
    outbox.forward(committed)
    assert (outbox.flows.resumed, outbox.isolate.told, len(outbox.notices.first)) == (["token-d"], [("c", denied)], 3)
    outbox.flows.refusals["token-c"] = OutsideUnavailable("state machine")
    with pytest.raises(OutsideUnavailable):
        outbox.forward(committed)
    assert (outbox.flows.resumed, len(outbox.isolate.told), len(outbox.notices.first)) == (["token-d"], 1, 6)
