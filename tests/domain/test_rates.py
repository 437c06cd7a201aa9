"""What a minute is estimated to cost."""

import pytest

from duologue.domain.accounting.rates import ESTIMATES, check_rates, rate_of, read_rate
from duologue.domain.errors import InvalidField
from duologue.domain.numbers.phone_number import PhoneNumber


@pytest.mark.parametrize(
    ("number", "cents"),
    [
        ("+12025550111", 2),
        ("+18095550100", 40),  # American by its first digit only
        ("+442079460123", 5),
        ("+447700900123", 10),
        ("+881612345678", 100),
    ],
)
def test_the_longest_prefix_counts(number, cents):
    assert rate_of(PhoneNumber(number), ESTIMATES) == cents * 10_000


def test_what_an_imported_list_does_not_have_costs_as_much_as_its_most_expensive():
    rates = dict(read_rate(*line) for line in (("+1", "0.0215"), ("+1809", "0.4"), ("+44", "0")))
    assert rates == {"+1": 21_500, "+1809": 400_000, "+44": 0}
    assert rate_of(PhoneNumber("+33199001234"), rates) == 400_000
    assert rate_of(PhoneNumber("+442079460123"), rates) == 0


@pytest.mark.parametrize(
    "line", [("1", "0.02"), ("+1", ""), ("+1", "-1"), ("+1", "101"), ("+1", "NaN"), ("+1x", "1"), ("", "1")]
)
def test_a_line_that_is_written_otherwise(line):
    with pytest.raises(InvalidField, match="must be a prefix such as"):
        read_rate(*line)


def test_a_list_has_a_length_that_a_request_can_bear():
    for rates in ({}, {f"+{number}": 1 for number in range(10_000, 15_001)}):
        with pytest.raises(InvalidField, match="must be 1 to 5000"):
            check_rates(rates)
