"""Medians and ratios as the benches print them."""

import pytest

from bench.spread import ratio, round_ratios, spread, table


def test_a_spread_is_the_median_and_the_range():
    assert spread([30.4, 10, 20.6], "ms") == "21 ms (10–30)"
    assert spread([1.0, 2.0], digits=2) == "1.50 (1.00–2.00)"


def test_a_ratio_is_one_of_medians():
    """One slow round changes neither."""
    assert ratio([3, 4, 500], [8, 2, 1]) == 2


def test_ratios_of_rounds_pair_what_was_taken_together():
    assert round_ratios([3, 8], [2, 4]) == [1.5, 2]
    with pytest.raises(ValueError, match="shorter"):
        round_ratios([3, 8], [2])


def test_a_table_can_be_read_as_it_stands():
    assert table(("What", "n"), [("requests", "42")]) == [
        "| What     | n  |",
        "| -------- | -- |",
        "| requests | 42 |",
    ]
