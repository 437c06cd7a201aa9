"""End what the network forgot: what is due is closed, the rest left alone."""

import json
from dataclasses import replace

import pytest

from duologue.call_control.history import Delivery, DeliveryState
from duologue.domain.outcome import EndReason
from duologue.usecases.ports.notifying import NO_WAIT, Notice
from functions.sweep.handler import answer
from tests.functions.worlds import Sweep, sample
from tests.samples import at

SWEPT = ("CallsSwept", "CallsNotFinalized", "CallsWithoutEvents", "SlotsFreed")
MINUTE = sample("sweep", "minute_passed")
DUE_S = 120


def test_a_call_that_is_due_is_finalized_and_a_young_one_left_alone():
    world = Sweep()
    first = world.accept(1)
    world.accept(2, after_s=1)
    world.clock.advance(DUE_S)
    assert world.take(MINUTE) == {"finalized": 1, "remaining": 0, "freed": 0, "queued": 0}
    assert list(world.calls.cdrs) == [first]
    assert world.calls.cdrs[first].reason is EndReason.NEVER_STARTED


def test_one_that_cannot_be_read_is_told_by_its_id_and_holds_up_nothing(capsys, caplog):
    world = Sweep()
    first = world.accept(1)
    world.accept(2, after_s=10)
    world.accept(3, after_s=600)
    world.calls.unreadable[first] = ValueError("written by the next version")
    world.calls.slots["app-1"].add("1_1_9_20261123090000")
    world.clock.advance(DUE_S + 10)
    assert world.sweep() == {"finalized": 1, "remaining": 1, "freed": 1, "queued": 0}
    assert [record.call_id for record in caplog.records if record.getMessage() == "unhandled exception"] == [first]
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["Function"] for one in counted if "Unexpected" in one] == ["sweep"]
    assert {name: sum(one[name]) for one in counted for name in SWEPT if name in one} == {
        "CallsSwept": 1,
        "CallsNotFinalized": 1,
        "CallsWithoutEvents": 0,
        "SlotsFreed": 1,
    }


def test_slots_are_freed_when_sweeping_breaks_and_calls_swept_when_freeing_does():
    world = Sweep()
    first = world.accept(1)
    world.clock.advance(DUE_S)
    for broken, done in (("overdue", "freed"), ("held_slots", "finalized")):
        world.calls.slots["app-1"].add("1_1_9_20261123090000")
        whole = getattr(world.calls, broken)
        setattr(world.calls, broken, _breaks)
        with pytest.raises(PermissionError):
            world.sweep()
        setattr(world.calls, broken, whole)
        assert ("1_1_9_20261123090000" in world.calls.slots["app-1"]) == (done == "finalized")
        assert (first in world.calls.cdrs) == (done == "finalized")


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
    assert json.dumps(answer(world.dependencies)) == '{"finalized": 0, "remaining": 0, "freed": 0, "queued": 0}'


def test_the_rest_is_swept_when_queueing_breaks():
    world = Sweep()
    first = world.accept(1)
    world.calls.slots["app-1"].add("1_1_9_20261123090000")
    world.clock.advance(DUE_S)
    world.calls.due = _breaks  # type: ignore[method-assign]
    with pytest.raises(PermissionError):
        world.sweep()
    assert (list(world.calls.cdrs), world.calls.slots["app-1"]) == ([first], set())


def test_what_is_due_is_queued_and_not_twice():
    world = Sweep()
    call_id = world.accept(1)
    notice = Notice(call_id, 2, "EVENT#n#1", "app-1")
    world.calls.save_delivery(notice, Delivery(DeliveryState.WAITING, at(0), due=at(30)))
    queued = []
    for _ in range(4):
        queued.append(world.sweep()["queued"])
        world.clock.advance(20)
    assert queued == [0, 0, 1, 0]
    assert world.notices.aside == [(replace(notice, version=1), NO_WAIT)]
    world.clock.advance(600)
    assert world.sweep()["queued"] == 1, "its message was lost"
