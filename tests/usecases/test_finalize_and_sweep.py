"""The safety net: exactly one CDR, whoever writes it, and no call left open."""

from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.events import StopAsked
from duologue.call_control.machine import decide
from duologue.domain.calls.due import ENDING, due_by
from duologue.domain.calls.node import Burial
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import LegStillUp, OutsideUnavailable, UnknownCall
from duologue.usecases.accounting.bury_nodes import BuryNodes, Lost
from duologue.usecases.accounting.finalize_call import GRACE, FinalizeCall
from duologue.usecases.accounting.sweep_calls import SweepCalls, Swept
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.notifying.forward_facts import Committed, ForwardFacts
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.ports.notifying import Notice
from duologue.usecases.until_written import no_pause
from duologue.usecases.working_through import in_turn
from tests.call_control.stories import (
    CALLEE_ANSWERED,
    CALLEE_LEFT,
    CALLEE_RANG,
    CALLER_DIALLED,
    CALLER_LEFT,
    TALKING,
    Story,
)
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.failure_isolation import FakeFailureIsolation
from tests.fakes.flows import FakeFlows
from tests.fakes.network import FakeNetwork
from tests.fakes.notices import FakeNotices
from tests.nodes import FakeNodeTable, node
from tests.samples import LEG_A, LEG_B, NETWORK_CALL, NOW, at, callback


class Net:
    def __init__(self, *events, known=(), taken_up=True) -> None:
        self.calls, self.flows, self.clock = FakeCalls(), FakeFlows(), FakeClock()
        self.network, self.isolate = FakeNetwork(*known), FakeFailureIsolation()
        self.add(callback().id, *events, taken_up=taken_up)

    def add(self, call_id, *events, taken_up=True):
        story = Story(*events, call=callback(call_id))
        self.calls.accept(callback(call_id), slots=999, close_by=at(60))
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


# ---- dead nodes

DEAD, OTHER = "1a2b3c4d", "99999999"
_UUID = "7d9f0a52-5a0e-4d7a-9d3e-0f6a1b2c3d4e"


def on(node_id, *events):
    """The events of a call on this node."""
    return [replace(event, network_call=f"{node_id}-{_UUID}") for event in events]


class Watchdog:
    """Sweeps over two nodes, each with calls. The one called DEAD has sent no heartbeat since `at(60)`."""

    def __init__(self, *calls, **row):
        """`calls`: (node, events) each."""
        self.net, self.clock = Net(), FakeClock(at(60))
        self.net.calls.rows.clear()
        self.net.calls.slots.clear()
        self.net.clock = self.clock
        self.ids = [f"1_{number}_9_20261123090000" for number in range(len(calls))]
        for call_id, (node_id, events) in zip(self.ids, calls, strict=True):
            self.net.add(call_id, *on(node_id, *events))
        self.nodes = FakeNodeTable(node(DEAD, "a:1", beat_at=at(60), **row), node(OTHER, "b:1", beat_at=at(60)))
        self.lives, self.come_back = {OTHER}, set[str]()
        self.isolate: FailureIsolation = self.net.isolate
        self.waited = []

    def sweep(self, seconds, end=None):
        self.clock.at = at(seconds)
        self._beat()
        bury = BuryNodes(self.nodes, self.net.calls, self.net.finalize, self.clock, self.isolate, self._wait, in_turn)
        return bury(end)

    def _wait(self, time):
        self.waited.append(time)
        self.clock.at += time
        self.lives |= self.come_back
        self._beat()

    def _beat(self):
        for each in self.lives:
            self.nodes.beat(each, self.clock.at)

    @property
    def ended(self):
        return [each for each in self.ids if each in self.net.calls.cdrs]

    def burial(self, node_id=DEAD):
        return self.nodes.rows[node_id].burial


@pytest.mark.parametrize(
    ("row", "seconds", "burial"),
    [
        ({}, 66, None),
        ({}, 66.1, Burial.DONE),
        ({}, 69.1, Burial.DONE),
        ({"draining": True}, 80, Burial.DONE),
        ({"gone": True}, 80, Burial.DONE),
        ({"burial": Burial.BEGUN}, 61, Burial.DONE),
        ({"burial": Burial.DONE}, 80, Burial.DONE),
    ],
)
def test_a_node_is_dead_once_it_was_silent_for_fifteen_seconds(row, seconds, burial):
    dog = Watchdog((DEAD, TALKING), (OTHER, TALKING), **row)
    dog.sweep(seconds)
    assert dog.burial() is burial
    buried_now = burial is Burial.DONE and row.get("burial") is not Burial.DONE
    assert dog.ended == (dog.ids[:1] if buried_now else [])
    assert (dog.burial(OTHER), dog.net.network.asked) == (None, [])


def test_its_calls_are_finalized_within_ninety_seconds_of_its_death_whenever_the_sweep_comes():
    """The last heartbeat was up to 5 s before the death, and a sweep begins each minute."""
    for second in range(60):
        dog = Watchdog((DEAD, TALKING))
        for minute in range(4):
            dog.sweep(60 + second + 60 * minute)
            if dog.ended:
                break
        assert dog.clock.at - at(60) <= timedelta(seconds=90 - 5)


@pytest.mark.parametrize(
    ("row", "calls", "level"), [({"gone": True}, 0, "INFO"), ({"gone": True}, 1, "ERROR"), ({}, 0, "ERROR")]
)
def test_the_operator_reads_of_a_dead_node_and_of_one_that_left_calls_behind(caplog, row, calls, level):
    """One that left in order without any is no trouble."""
    dog = Watchdog(*[(DEAD, TALKING)] * calls, **row)
    with caplog.at_level("INFO"):
        dog.sweep(80)
    [record] = [each for each in caplog.records if each.message == "a node is dead"]
    assert (record.levelname, record.node, record.calls) == (level, DEAD, calls)


@pytest.mark.parametrize("comes_back", [DEAD, None])
def test_an_outage_of_the_table_kills_no_node(comes_back):
    """Nobody could write for a minute, and the sweep is the first to reach the table again."""
    dog = Watchdog((DEAD, TALKING), (OTHER, TALKING))
    dog.lives, dog.come_back = set(), {OTHER, comes_back or OTHER}
    dog.sweep(119)
    assert dog.burial() is (None if comes_back else Burial.DONE)
    assert dog.burial(OTHER) is None
    assert dog.ended == ([] if comes_back else dog.ids[:1])


def test_nobody_waits_while_all_nodes_live():
    dog = Watchdog((DEAD, TALKING))
    dog.lives = {DEAD, OTHER}
    assert [dog.sweep(60 * minute) for minute in range(2, 5)] == [Lost()] * 3
    assert dog.waited == []


@pytest.mark.parametrize(
    ("events", "reason", "ended_at"),
    [
        (TALKING[:1], EndReason.LOST, 60),
        (TALKING[:3], EndReason.LOST, 60),
        (TALKING[:4], EndReason.LOST, 60),
        (TALKING, EndReason.LOST, 60),
        ((*TALKING, CALLER_LEFT), EndReason.HUNG_UP, 60),
        ((*TALKING, replace(CALLER_LEFT, at=at(70))), EndReason.HUNG_UP, 70),
    ],
    ids=["rings", "the caller waits", "the callee rings", "talk", "one has hung up", "heard of after its last beat"],
)
def test_a_call_on_it_ends_as_lost_when_the_node_was_last_heard_of(events, reason, ended_at):
    """In any phase, once, without asking the network: the talk is billed until then, and its flow ends."""
    dog = Watchdog((DEAD, events))
    dog.net.calls.store_token(dog.ids[0], TaskToken("token-1", Wait.CALLEE_ANSWER, 1))
    assert [dog.sweep(120), dog.sweep(180)] == [Lost(calls=1), Lost()]
    cdr = dog.net.calls.cdrs[dog.ids[0]]
    assert (cdr.reason, cdr.ended_at) == (reason, at(ended_at))
    assert dog.net.calls.slots["app-1"] == set()
    assert (dog.net.flows.resumed, dog.net.network.asked) == (["token-1"], [])


MARK = f"{DEAD}-{_UUID}"


@pytest.mark.parametrize("by_then", [MARK, f"{OTHER}-{_UUID}", None], ids=["is there", "went on", "was refused"])
def test_a_call_whose_dial_no_event_has_followed_ends_with_the_node_that_its_mark_names(by_then):
    """Unless the flow has asked another node by the time at which the call is read."""
    dog = Watchdog((DEAD, []), (OTHER, TALKING))
    dog.net.calls.change(dog.ids[0], taken_up_at=at(58))
    marked(dog, MARK)
    dog.nodes.before_write = lambda: None
    load = dog.net.calls.on_nodes

    def found(nodes):
        ids = load(nodes)
        marked(dog, by_then)
        return ids

    dog.net.calls.on_nodes = found  # type: ignore[method-assign]
    assert dog.sweep(120) == Lost(calls=int(by_then == MARK))
    assert dog.burial() is Burial.DONE
    assert dog.ended == (dog.ids[:1] if by_then == MARK else [])
    if by_then == MARK:
        cdr = dog.net.calls.cdrs[dog.ids[0]]
        assert (cdr.reason, cdr.caller.answered_at, dog.net.calls.slots["app-1"]) == (
            EndReason.LOST,
            None,
            {dog.ids[1]},
        )


def marked(dog, mark):
    saved = dog.net.calls.load(dog.ids[0])
    dog.net.calls.save(Change(saved, saved.call, dial_mark=mark, clears_dial_mark=mark is None))


def test_a_call_that_cannot_be_closed_does_not_hide_the_next_node_that_dies():
    """Its node's burial lasts for as long."""
    dog = Watchdog((DEAD, TALKING), (OTHER, TALKING), burial=Burial.BEGUN)
    dog.lives = set()
    load = dog.net.calls.load

    def fails(call_id):
        if call_id == dog.ids[0]:
            raise OutsideUnavailable("DynamoDB")
        return load(call_id)

    dog.net.calls.load = fails  # type: ignore[method-assign]
    assert dog.sweep(120) == Lost(calls=1, remaining=1)
    assert (dog.burial(), dog.burial(OTHER), dog.ended) == (Burial.BEGUN, Burial.DONE, dog.ids[1:])


def test_a_sweep_that_dies_between_two_writes_is_completed_by_the_next():
    """Wherever it dies: each call ends once, the node is buried, and its row keeps it from coming back meanwhile."""

    class Killed(Exception):
        pass

    for survives in range(20):
        dog, writes = Watchdog((DEAD, TALKING), (DEAD, TALKING[:3]), (OTHER, TALKING)), 0

        def write(survives=survives):
            nonlocal writes
            writes += 1
            if writes == survives + 1:
                raise Killed

        dog.nodes.before_write = dog.net.calls.before_save = write
        dog.isolate = lambda _: nullcontext()
        with suppress(Killed):
            dog.sweep(120)
        declared = dog.burial() is not None
        dog.lives = {DEAD, OTHER} if declared else {OTHER}
        assert dog.sweep(180).remaining == 0
        assert (dog.ended, dog.burial()) == (dog.ids[:2], Burial.DONE)
        if writes <= survives:
            break
    assert survives == 4, "declared dead, two calls, buried"


def test_two_sweeps_at_once_end_each_call_once():
    dog = Watchdog((DEAD, TALKING), (DEAD, TALKING))
    others = iter([lambda: dog.sweep(120)])

    def between():
        with suppress(StopIteration):
            next(others)()

    dog.nodes.before_write = dog.net.calls.before_save = between
    dog.sweep(120)
    dog.sweep(180)
    assert (dog.ended, dog.burial()) == (dog.ids, Burial.DONE)


def test_the_calls_of_a_large_node_are_worked_through_until_there_is_no_more_time():
    """Each takes 0.1 s here. The node is buried when all are done, by the next sweep."""
    dog = Watchdog(*[(DEAD, TALKING)] * 100)

    def slowly():
        dog.clock.advance(0.1)

    dog.net.calls.before_save = slowly
    assert dog.sweep(120, end=at(132)) == Lost(calls=60, remaining=40)
    assert dog.burial() is Burial.BEGUN
    assert dog.sweep(180, end=at(192)) == Lost(calls=40)
    assert dog.burial() is Burial.DONE


def test_a_call_that_cannot_be_finalized_now_holds_up_no_other_and_keeps_the_burial_open():
    dog = Watchdog((DEAD, TALKING), (DEAD, TALKING), (DEAD, TALKING))
    dog.net.calls.unreadable = {dog.ids[0]: OutsideUnavailable("calls table"), dog.ids[1]: ValueError("next")}
    assert dog.sweep(120) == Lost(calls=1, remaining=2)
    assert dog.burial() is Burial.BEGUN
    dog.net.calls.unreadable.clear()
    assert dog.sweep(180) == Lost(calls=2)
    assert dog.burial() is Burial.DONE


def test_whoever_is_up_on_a_node_that_comes_back_is_hung_up_at_its_next_event():
    """R6, R9. The node itself hangs up too, as soon as it can read its row."""
    dog = Watchdog((DEAD, TALKING[:4]))
    dog.sweep(120)
    call = dog.net.calls.load(dog.ids[0]).call
    for event, legs in (
        (CALLEE_ANSWERED, [LEG_B, LEG_A]),
        (replace(CALLEE_LEFT, connected={Party.CALLER: LEG_A}), [LEG_A]),
        (CALLEE_RANG, []),
    ):
        decision = decide(call, *on(DEAD, event))
        assert ([each.leg_id for each in decision.actions], decision.call) == (legs, call)


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
