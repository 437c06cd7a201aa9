"""A number is replaced in an archived CDR wherever it is written, and nothing else is."""

import json
from dataclasses import replace

import pytest

from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.outcome import EndReason
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.huawei.cdrs import HuaweiCdrs
from tests.samples import CALLEE, CALLER, NOW, callback, return_call

FORMAT = HuaweiCdrs("ce1.example.com")
SHORT = PhoneNumber("+112")


def line(make=callback, user_data="order-17"):
    return FORMAT.line(cdr_of(replace(make(), ending=EndReason.STOPPED, ended_at=NOW, user_data=user_data)))


@pytest.mark.parametrize(
    ("make", "number", "field"),
    [
        (callback, CALLER, "calleeNum"),
        (callback, CALLEE, "fwdDstNum"),
        (return_call, CALLEE, "callerNum"),
        (return_call, CALLER, "fwdDstNum"),
    ],
)
def test_a_party_is_erased_and_the_rest_stays(make, number, field):
    changed = FORMAT.without(line(make), number)
    assert changed is not None
    assert json.loads(changed) == json.loads(line(make)) | {field: "erased"}
    assert FORMAT.without(changed, number) is None


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("ask +12025550122", "ask erased"),
        ("12025550122", "erased"),
        ("+1 (202) 555-0122, or 1.202.555.0122", "erased, or erased"),
        ("order 4412025550122", "order 4412025550122"),
        ("order 120255501229", "order 120255501229"),
        ("a\u2028b", "a\u2028b"),
    ],
)
def test_the_number_is_found_in_the_sps_own_text(said, left):
    changed = FORMAT.without(line(user_data=said), CALLEE)
    assert changed is not None
    assert json.loads(changed)["userData"] == left
    assert "\n" not in changed


@pytest.mark.parametrize("number", [PhoneNumber("+12025550144"), SHORT, PhoneNumber("+12025550100")])
def test_nothing_changes_for_who_was_no_party(number):
    """Display numbers are the SP's own, and ids are no numbers."""
    assert FORMAT.without(line(), number) is None
