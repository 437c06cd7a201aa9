"""The judgement and the report of `bench.trunk`; its runs need a telephone company."""

from dataclasses import replace

import pytest

from bench.trunk import good, report
from lab.cases.trunk_kills import Death, Drain

NODE = Death("node", 4, 2, cut=2, told_s=(40.0, 52.0), silent_s=41.0, free_s=52.0, next_s=1.0, again=1)

DRAINS = [Drain(2, cut=0, again=1)]


@pytest.mark.parametrize(
    ("change", "judged"),
    [
        ({}, True),
        ({"silent_s": 61.0}, False),
        ({"free_s": 91.0}, False),
        ({"next_s": None}, False),
        ({"left": ["leg"]}, False),
        ({"cut": 3}, False),
        ({"cut": 1}, False),
        ({"kind": "Kamailio"}, False),
        ({"kind": "Kamailio", "cut": 0}, True),
    ],
    ids=str,
)
def test_a_death_costs_its_own_calls_and_leaves_nothing(change, judged):
    assert good(replace(NODE, **change)) is judged


def test_the_report_has_a_row_for_each_kind():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in report([NODE], DRAINS).splitlines()]
    assert ["node", "1", "2", "2", "52.0 (52.0)", "41.0 (41.0)", "52.0 (52.0)", "1.0 (1.0)", "0", "1"] in rows
    assert "0 calls were cut, 1 placed again" in report([NODE], DRAINS)
