"""The safety net: exactly one CDR, whoever writes it, and no call left open."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.facts import CallAccepted
from duologue.domain.due import due_by
from duologue.domain.errors import LegStillUp, OutsideUnavailable, UnknownCall
from duologue.domain.outcome import EndReason
from duologue.usecases.finalize_call import GRACE, finalize_call
from duologue.usecases.forward_facts import Committed, forward_facts
from duologue.usecases.ports import Notice
from duologue.usecases.sweep_calls import Swept, sweep_calls
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
        self.calls.accept(callback(call_id), CallAccepted(NOW), slots=99, close_by=at(60))
        changed = {name: getattr(story.call, name) for name in story.call.__dataclass_fields__ if name != "id"}
        self.calls.change(call_id, **changed | {"taken_up_at": NOW if taken_up else None, "facts": 1})

    def close(self, final=False):
        return finalize_call(
            callback().id, calls=self.calls, network=self.network, flows=self.flows, clock=self.clock, final=final
        )

    def sweep(self, seconds):
        self.clock.at = at(seconds)
        return sweep_calls(
            calls=self.calls, network=self.network, flows=self.flows, clock=self.clock, isolate=self.isolate
        )

    @property
    def reason(self):
        return self.calls.cdrs[callback().id].reason


def test_what_the_last_hang_up_closed_is_left_alone():
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
def test_a_call_that_no_event_ended_is_closed_once(events, taken_up, reason):
    net = Net(*events, taken_up=taken_up)
    net.calls.change(callback().id, task_token="token-1")
    assert net.close() == net.calls.load(callback().id).call
    assert net.close() is None
    assert net.reason is reason
    assert net.calls.slots["app-1"] == set()
    assert net.flows.resumed == ["token-1"]


def test_a_call_that_the_network_still_knows_is_asked_to_end_with_its_reason_on_the_row():
    net = Net(*TALKING, known=(NETWORK_CALL,))
    with pytest.raises(LegStillUp):
        net.close()
    assert net.calls.load(callback().id).call.ending is EndReason.LOST
    assert net.calls.cdrs == {}
    assert net.close(final=True) is not None


@pytest.mark.parametrize(
    ("events", "taken_up", "unheard"), [((), False, 0), ((), True, 1), ((CALLER_DIALLED,), True, 0)]
)
def test_a_dial_of_which_nothing_was_ever_heard_is_counted(events, taken_up, unheard):
    """Refused by a permission of ours, say: the SP reads that the caller did not answer, the operator must know."""
    assert Net(*events, taken_up=taken_up).sweep(61) == Swept(closed=1, left=0, unheard=unheard)


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


def test_the_sweeper_takes_what_is_due_and_is_not_held_up_by_one_that_is_up():
    net = Net(*TALKING, known=(NETWORK_CALL,))
    due = (due_by(net.calls.load(callback().id).call) - NOW).total_seconds()
    net.add("1_2_9_20261123090000", taken_up=False)
    net.calls.close_by = dict.fromkeys(net.calls.close_by, at(due))
    assert net.sweep(due - 1) == Swept(0, 0)
    assert net.sweep(due) == Swept(closed=1, left=1)
    assert net.sweep(due + 1) == Swept(closed=0, left=1), "that it was asked to end puts nothing off"
    assert net.sweep(due + GRACE / timedelta(seconds=1)) == Swept(closed=1, left=0)
    assert net.sweep(99_999) == Swept(0, 0)


def test_the_sweeper_is_not_stopped_by_a_call_that_it_cannot_even_read():
    """As after a version that wrote what this one does not know. It is told with its id, each time."""
    net = Net(taken_up=False)
    net.add("1_2_9_20261123090000", taken_up=False)
    broken = ValueError("'next' is not a valid EndReason")
    net.calls.unreadable[callback().id] = broken
    assert net.sweep(61) == Swept(closed=1, left=1)
    assert net.sweep(61 + GRACE / timedelta(seconds=1)) == Swept(closed=0, left=1)
    assert net.isolate.told == [(callback().id, broken)] * 2


@pytest.mark.parametrize("seconds", [61, 61 + GRACE / timedelta(seconds=1)])
def test_a_network_out_of_reach_keeps_a_call_open_for_half_an_hour_at_the_most(seconds):
    net = Net(*TALKING, known=(NETWORK_CALL,))
    net.network.busy = True
    final = seconds > 61
    assert net.sweep(seconds) == Swept(closed=final, left=not final)
    assert (callback().id in net.calls.cdrs) == final
    assert net.calls.load(callback().id).call.ending is EndReason.LOST


COMMITTED = [Committed("c", resumes="token-1"), Committed("c", 2), Committed("c", 3), Committed("d", 1)]


def test_facts_are_queued_in_order_and_waits_are_woken():
    flows, notices, isolate = FakeFlows(), FakeNotices(), FakeFailureIsolation()
    forward_facts(COMMITTED, flows=flows, notices=notices, isolate=isolate)
    assert flows.resumed == ["token-1"]
    assert notices.first == [Notice("c", 2), Notice("c", 3), Notice("d", 1)]
    forward_facts(COMMITTED, flows=flows, notices=notices, isolate=isolate)
    assert flows.resumed == ["token-1", "token-1"], "twice is harmless: the second finds nobody waiting"
    assert isolate.told == []


def test_a_wait_that_cannot_be_woken_holds_up_no_fact_and_no_other_wait():
    """Refused for good, it is told and passed over; out of reach, the batch comes again when the rest is done."""
    flows, notices, isolate = FakeFlows(), FakeNotices(), FakeFailureIsolation()
    denied = PermissionError("AccessDeniedException")
    flows.refusals["token-1"] = denied
    committed = [*COMMITTED, Committed("d", resumes="token-2")]
    forward_facts(committed, flows=flows, notices=notices, isolate=isolate)
    assert (flows.resumed, isolate.told, len(notices.first)) == (["token-2"], [("c", denied)], 3)
    flows.refusals["token-1"] = OutsideUnavailable("state machine")
    with pytest.raises(OutsideUnavailable):
        forward_facts(committed, flows=flows, notices=notices, isolate=isolate)
    assert (flows.resumed, len(isolate.told), len(notices.first)) == (["token-2"] * 2, 1, 6)
