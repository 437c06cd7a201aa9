"""Medians and ratios as the benches print them."""

import pytest

from bench.spread import ratio, ratio_range, round_ratios, spread, table


def test_a_spread_is_the_median_and_the_range():
    assert spread([30.4, 10, 20.6], "ms") == "21 ms (10–30)"
    assert spread([1.0, 2.0], digits=2) == "1.50 (1.00–2.00)"


def test_a_ratio_is_one_of_medians():
    """One slow round changes neither."""
    assert ratio([3, 4, 500], [8, 2, 1]) == 2


def test_the_range_of_a_ratio_tells_chance_from_change():
    values = [90.0, 95, 100, 105, 110, 98, 102, 99]
    low, high = ratio_range(values, values)
    assert 0.9 < low < 1 < high < 1.1
    low, high = ratio_range([value * 0.8 for value in values], values)
    assert 0.72 < low < 0.8 < high < 0.9
    assert (low, high) == ratio_range([value * 0.8 for value in values], values)


def test_either_side_may_be_the_one_that_varies():
    steady, varying = [100.0] * 4, [80.0, 90, 110, 120]
    for low, high in (ratio_range(varying, steady), ratio_range(steady, varying)):
        assert low < 0.95 < 1.05 < high


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
