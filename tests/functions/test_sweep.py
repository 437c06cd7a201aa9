"""End what the network forgot: what is due is closed, the rest left alone."""

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.history import Attempt, Delivery, DeliveryState
from duologue.domain.calls.node import Burial
from duologue.domain.calls.outcome import EndReason
from duologue.usecases.ports.notifying import NO_WAIT, Notice
from functions.sweep.handler import answer
from tests.functions.worlds import Sweep, sample
from tests.nodes import FakeNodeTable, node
from tests.samples import NETWORK_CALL, at

SWEPT = ("CallsSwept", "CallsNotFinalized", "CallsWithoutEvents", "SweepBehind", "ReconciliationFound")
NOTHING = {"queued": 0, "finalized": 0, "remaining": 0, "reconciled": 0, "found": 0, "freed": 0}
MINUTE = sample("sweep", "minute_passed")
DUE_S = 120


def test_a_call_that_is_due_is_finalized_and_a_young_one_left_alone():
    world = Sweep()
    first = world.accept(1)
    world.accept(2, after_s=1)
    world.clock.advance(DUE_S)
    assert world.take(MINUTE) == NOTHING | {"finalized": 1}
    assert list(world.calls.cdrs) == [first]
    assert world.calls.cdrs[first].reason is EndReason.NEVER_STARTED


def test_the_calls_of_a_dead_node_are_counted_for_the_alarm(capsys):
    world = Sweep(nodes=FakeNodeTable(node("1a2b3c4d", "a:1", beat_at=at(0))))
    lost = [world.accept(number, f"1a2b3c4d-{NETWORK_CALL}") for number in range(2)]
    world.accept(3, NETWORK_CALL)
    world.clock.advance(20)
    assert [world.sweep()["lost"], world.sweep()["lost"]] == [2, 0]
    assert {call_id: cdr.reason for call_id, cdr in world.calls.cdrs.items()} == dict.fromkeys(lost, EndReason.LOST)
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(sum(one["CallsOfDeadNodes"]) for one in counted if "CallsOfDeadNodes" in one) == 2


TABLE_S, READ_S, CLOSE_S = 3.0, 0.5, 0.01
"""The most that a request to the nodes' table takes (adapters.basics.aws.FAST, with its repeat), and what others do."""


@pytest.mark.parametrize("second", range(0, 60, 3))
def test_the_calls_of_a_dead_node_are_over_ninety_seconds_after_its_last_heartbeat(second):
    """Whenever in the minute the sweep begins, and however slowly the nodes' table answers: docs/decisions/0036."""
    nodes = FakeNodeTable(node("1a2b3c4d", "a:1", beat_at=at(0)), node("99999999", "b:1", beat_at=at(0)))
    world, over = Sweep(nodes=nodes), list[float]()
    lost = [world.accept(number, f"1a2b3c4d-{NETWORK_CALL}") for number in range(300)]
    current, declare, find = nodes.current, nodes.declare_dead, world.calls.on_nodes

    def after(seconds, work):
        def slowly(*given):
            world.clock.advance(seconds)
            since = world.clock.now() - at(0)
            nodes.beat("99999999", at(since // timedelta(seconds=5) * 5))
            return work(*given)

        return slowly

    def closes():
        world.clock.advance(CLOSE_S)
        over.append((world.clock.now() - at(0)).total_seconds())

    nodes.current, nodes.declare_dead = after(TABLE_S, current), after(TABLE_S, declare)  # type: ignore[method-assign]
    world.calls.on_nodes = after(READ_S, find)  # type: ignore[method-assign]
    world.calls.before_save = closes
    for minute in range(3):
        world.clock.at = max(world.clock.at, at(second + 60 * minute))
        world.sweep()
    assert world.calls.cdrs.keys() == set(lost)
    assert max(over) <= 90
    assert nodes.rows["99999999"].burial is None


def test_one_that_cannot_be_read_is_told_by_its_id_and_holds_up_nothing(capsys, caplog):
    world = Sweep()
    first = world.accept(1)
    world.accept(2, after_s=10)
    world.accept(3, after_s=600)
    world.calls.unreadable[first] = ValueError("written by the next version")
    world.calls.slots["app-1"].add("1_1_9_20261123090000")
    world.clock.advance(DUE_S + 10)
    assert world.sweep() == NOTHING | {"finalized": 1, "remaining": 1, "freed": 1}
    assert [record.call_id for record in caplog.records if record.getMessage() == "unhandled exception"] == [first]
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["Function"] for one in counted if "Unexpected" in one] == ["sweep"]
    assert {name: sum(one[name]) for one in counted for name in SWEPT if name in one} == {
        "CallsSwept": 1,
        "CallsNotFinalized": 1,
        "CallsWithoutEvents": 0,
        "SweepBehind": 0,
        "ReconciliationFound": 1,
    }
    assert [one["What"] for one in counted if "What" in one] == ["slot"]


@pytest.mark.parametrize("broken", ["on_nodes", "due", "overdue", "unreconciled", "held_slots", None])
def test_each_part_runs_although_another_breaks(broken):
    nodes = FakeNodeTable(node("1a2b3c4d", "a:1", beat_at=at(0)))
    leaked, waiting = "1_1_9_20261123090000", Delivery(DeliveryState.WAITING, at(0), due=at(30))
    world = Sweep(nodes=nodes)
    first, ended = world.accept(1), world.accept(2)
    world.calls.save_delivery(Notice(first, 2, "EVENT#n#1", "app-1"), waiting)  # for its first attempt
    world.calls.slots["app-1"].add(leaked)
    world.end(ended)
    world.clock.advance(900)
    done = {
        "on_nodes": lambda: nodes.rows["1a2b3c4d"].burial is Burial.DONE,
        "due": lambda: any(each.version == 1 for each in world.notices.first),
        "overdue": lambda: first in world.calls.cdrs,
        "unreconciled": lambda: ended not in world.calls.to_reconcile,
        "held_slots": lambda: leaked not in world.calls.slots["app-1"],
    }
    with pytest.raises(PermissionError) if broken else nullcontext():
        setattr(world.calls, broken or "none", _breaks)
        world.sweep()
    assert [name for name, is_done in done.items() if not is_done()] == ([broken] if broken else [])


def _breaks(*given):
    raise PermissionError(given)


def test_a_slot_that_no_open_call_holds_is_freed_once():
    """Of a call that was deleted, and of one that was closed, by something else than the platform."""
    world = Sweep()
    first, second, third = (world.accept(number) for number in (1, 2, 3))
    del world.calls.rows[first]
    world.calls.rows[second] = replace(world.calls.rows[second], close_by=None)
    assert [world.sweep()["freed"], world.sweep()["freed"]] == [2, 0]
    assert world.calls.slots["app-1"] == {third}


def test_nothing_to_do_is_said_as_numbers():
    world = Sweep()
    assert json.dumps(answer(world.dependencies)) == json.dumps(NOTHING)


def test_what_is_due_is_queued_and_not_twice():
    world = Sweep()
    call_id = world.accept(1)
    notice = Notice(call_id, 2, "EVENT#n#1", "app-1")
    attempted = Attempt(at(0), "https://sp.example.com", 500)
    world.calls.save_delivery(notice, Delivery(DeliveryState.WAITING, at(0), (attempted,), 1, due=at(30)))
    queued = []
    for _ in range(4):
        queued.append(world.sweep()["queued"])
        world.clock.advance(20)
    assert queued == [0, 0, 1, 0]
    assert world.notices.aside == [(replace(notice, version=1), NO_WAIT)]
    world.clock.advance(600)
    assert world.sweep()["queued"] == 1, "its message was lost"


def test_no_part_takes_the_time_of_another_and_what_is_left_is_the_next_sweeps(capsys):
    """A read or a message takes 5 s here: six messages, four calls, then one reconciliation, which reads twice."""
    world = Sweep()
    for number in range(6):
        world.end(world.accept(number))
    overdue = [world.accept(number) for number in range(6, 19)]
    for notice in [Notice(call_id, number, "EVENT#n#1", "app-1") for call_id in overdue for number in range(2, 12)]:
        world.calls.save_delivery(notice, Delivery(DeliveryState.WAITING, at(0), due=at(30)))
    world.clock.advance(900)
    world.calls.history, world.calls.load = (_slow(world, each) for each in (world.calls.history, world.calls.load))  # type: ignore[method-assign]
    world.notices.queue = _slow(world, world.notices.queue)  # type: ignore[method-assign]
    swept = [world.sweep() for _ in range(8)]
    assert [(each["queued"], each["finalized"], each["reconciled"]) for each in swept[:2]] == [(60, 4, 1)] * 2
    assert (sum(each["queued"] for each in swept), sum(each["finalized"] for each in swept)) == (130, 13)
    assert sum(each["reconciled"] for each in swept) == 19
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    behind = [sum(one["SweepBehind"]) for one in counted if "SweepBehind" in one]
    assert (behind[:2], behind[-2:]) == ([1, 1], [0, 0])


def _slow(world, work):
    def slowly(*given, **more):
        world.clock.advance(5)
        return work(*given, **more)

    return slowly
