"""What a call costs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.accounting.charges import LegCharge
from duologue.domain.accounting.prices import PRICE_TABLES, aws_parts, usd_of
from duologue.domain.accounting.receipt import PRICES, Amounts, Receipt
from duologue.domain.media.recording import Recording
from tests.call_control.stories import CALLEE_LEFT, CALLER_LEFT, TALKING, Story
from tests.samples import at, callback

RATES = (20_000, 100_000)
KEEP = timedelta(days=90)


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
    assert (cdr.receipt.caller, cdr.receipt.callee) == (LegCharge(caller, 20_000), LegCharge(callee, 100_000))
    assert cdr.cost == caller * 20_000 + callee * 100_000


def test_a_call_of_the_release_before_has_no_receipt():
    cdr = cdr_of(Story(*TALKING, CALLEE_LEFT, CALLER_LEFT).call)
    assert (cdr.receipt, cdr.cost) == (None, 0)


def test_a_receipt_is_written_with_its_amounts_to_four_digits_and_read_by_the_table_of_its_date():
    receipt = cdr_of(Story(*TALKING, CALLEE_LEFT, CALLER_LEFT, call=replace(callback(), rates=RATES)).call, 9, KEEP)
    assert Receipt.parse(receipt.receipt.text) == receipt.receipt
    later = Receipt.parse("2031-01-01 1 20000 0 0 " + " ".join("1" * len(Amounts._fields)) + " 7 7")
    assert (later.cost, aws_parts(later)) == (20_000, {}), "of a later release, after a rollback"


def test_nothing_is_used_of_aws_that_has_no_price():
    whole = Receipt(LegCharge(0, 0), LegCharge(0, 0), Amounts(*[1] * len(Amounts._fields)))
    assert aws_parts(whole).keys() == set(Amounts._fields)
    assert usd_of(whole) == pytest.approx(sum(price.usd for price in PRICE_TABLES[PRICES].values()))


def test_a_recording_is_stored_for_as_long_as_its_app_wishes():
    """8 kHz: two tracks of 16 bits, and the published one of 8 bits."""
    call = Story(*TALKING, CALLEE_LEFT, CALLER_LEFT, call=replace(callback(), rates=RATES)).call
    plain = cdr_of(call, 9, KEEP).receipt.aws
    recorded = replace(call, recording=Recording("key", at(10)), keep_recording_days=30)
    kept = cdr_of(recorded, 9, KEEP).receipt.aws
    assert (plain.object_gb_month, plain.object_request, kept.object_request) == (0, 0, 2)
    assert kept.object_gb_month == pytest.approx(50 * 40_000 / 1e9 * 30 / (365 / 12), rel=1e-3)
