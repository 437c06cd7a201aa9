"""What a call costs."""

from dataclasses import replace

import pytest

from duologue.domain.cdr import cdr_of
from duologue.domain.receipt import LegCharge, Receipt
from tests.call_control.stories import CALLEE_LEFT, CALLER_LEFT, TALKING, Story
from tests.samples import at, callback

RATES = (20_000, 100_000)


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (0.001, 1), (60, 1), (60.001, 2), (3600, 60)])
def test_begun_minutes_are_charged(seconds, minutes):
    assert LegCharge.of(seconds, 20_000) == LegCharge(minutes, 20_000)
    assert LegCharge.of(seconds, 20_000).cost == minutes * 20_000


@pytest.mark.parametrize(
    ("events", "caller", "callee"),
    [
        ((*TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(64))), 2, 1),  # answered at 3 and 9 s
        ((*TALKING[:3], replace(CALLER_LEFT, at=at(30))), 1, 0),
        ((*TALKING[:2], replace(CALLER_LEFT, at=at(30))), 0, 0),
    ],
    ids=["both talk", "the caller only", "nobody answers"],
)
def test_each_leg_is_charged_from_its_answer_to_its_end(events, caller, callee):
    cdr = cdr_of(Story(*events, call=replace(callback(), rates=RATES)).call)
    assert cdr.receipt == Receipt(LegCharge(caller, 20_000), LegCharge(callee, 100_000))
    assert cdr.cost == caller * 20_000 + callee * 100_000
    assert Receipt.parse(cdr.receipt.text) == cdr.receipt


def test_a_call_of_the_release_before_has_no_receipt():
    cdr = cdr_of(Story(*TALKING, CALLEE_LEFT, CALLER_LEFT).call)
    assert (cdr.receipt, cdr.cost) == (None, 0)
