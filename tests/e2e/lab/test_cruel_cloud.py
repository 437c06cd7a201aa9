"""Cases while requests are throttled and lose their answers, clocks differ and the account has a concurrency of 10."""

import pytest

from lab.aws.fault_plan import PLAN
from lab.cases.catalogue import named
from lab.cases.checks import check
from tests.e2e.lab.variants import CRUEL_CLOUD

NAMES = ("talked", "caller_busy", "callee_busy_told", "caller_gives_up", "stopped_in_talk")
"""None is recorded: delayed notices may outlast the talk. Recorded ones are in `make cruel`."""
STRUCK = ("throttled_requests", "lost_answers", "stream_order", "stream_batches")


@pytest.fixture(scope="module")
def cruelly(case_player):
    """The results of these cases by name, and the faults that struck meanwhile."""
    case_player.wait()
    PLAN.begin()
    promised = case_player.begin((CRUEL_CLOUD, named(name)) for name in NAMES)
    results = {name: promised[CRUEL_CLOUD.name, name].result(timeout=600) for name in NAMES}
    return results, {name: counted["faults"] for name, counted in PLAN.counts().items()}


@pytest.mark.parametrize("name", NAMES)
def test_all_of_it_comes_true_whatever_fails(cruelly, name):
    results, faults = cruelly
    assert check(results[name]) == [], faults


def test_each_fault_struck(cruelly):
    _, faults = cruelly
    assert {name for name in STRUCK if not faults.get(name)} == set()
