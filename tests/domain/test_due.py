"""When a call is due: within minutes of whatever it waits for, at each of its steps."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.domain.calls.due import ENDING, SWEEP_MARGIN, TAKE_UP, due_by
from duologue.domain.calls.outcome import EndReason
from tests.call_control.stories import CALLEE_LEFT, CALLEE_WANTED, CALLER_ANSWERED, CALLER_DIALLED, TALKING, Story
from tests.samples import NOW, at, callback

TAKEN_UP = replace(callback(), taken_up_at=at(1))


def test_a_call_that_nothing_takes_up():
    assert due_by(callback()) == NOW + TAKE_UP


@pytest.mark.parametrize("events", [(), (CALLER_DIALLED,), (CALLER_DIALLED, CALLER_ANSWERED, CALLEE_WANTED)])
def test_before_the_talk_the_longest_talk_does_not_count(events):
    call = Story(*events, call=replace(TAKEN_UP, longest_talk=timedelta(days=1))).call
    assert due_by(call) == NOW + call.before_talk


def test_the_talk():
    call = Story(*TALKING, call=TAKEN_UP).call
    assert due_by(call) == at(9) + call.longest_talk + SWEEP_MARGIN


def test_an_end_that_was_recorded_is_due_in_minutes():
    call = Story(*TALKING, CALLEE_LEFT, call=TAKEN_UP).call
    assert due_by(call) == at(60) + ENDING


def test_an_end_puts_nothing_off():
    call = replace(TAKEN_UP, ending=EndReason.LOST, ending_at=NOW + TAKEN_UP.before_talk + timedelta(hours=1))
    assert due_by(call) == NOW + call.before_talk


def test_a_reason_of_the_flow_comes_when_the_call_is_due_soon_anyway():
    call = replace(Story(*TALKING, call=TAKEN_UP).call, ending=EndReason.LONGEST_CALL)
    assert due_by(call) == at(9) + call.longest_talk + SWEEP_MARGIN
