"""Many requests of one app at the same moment: as many are accepted as its limits allow, none is told to try again."""

import pytest

from tests.contention import Crowd

HELD_MS = pytest.mark.parametrize("held_ms", [10, 20])
MOST_TRIES = 9
"""Of one request; place_callback has 12."""


@HELD_MS
@pytest.mark.parametrize(
    ("requests", "limit", "per_second"), [(500, 500, 0), (500, 1000, 0), (50, 20, 0), (100, 1000, 30)]
)
def test_at_once_as_many_are_accepted_as_the_limits_allow(held_ms, requests, limit, per_second):
    crowd = Crowd(held_ms, limit=limit, per_second=per_second)
    for _ in range(requests):
        crowd.place(0)
    crowd.run()
    accepted = min(requests, limit)
    if per_second:  # later attempts may be in the next seconds
        assert crowd.verdicts["OutsideUnavailable"] == 0
        assert accepted >= crowd.verdicts["accepted"] >= min(accepted, per_second)
    else:
        refused = {"LimitReached": requests - accepted} if accepted < requests else {}
        assert crowd.verdicts == {"accepted": accepted, **refused}
    assert crowd.held == crowd.verdicts["accepted"]
    assert max(crowd.tries) <= MOST_TRIES
    assert max(crowd.took) < 2


@HELD_MS
def test_fifty_a_second_at_a_thousand_open_calls(held_ms):
    """As many end as are accepted."""
    crowd = Crowd(held_ms, limit=1050)
    for number in range(1000):
        crowd.place(number * 0.02)
    for number in range(200):
        crowd.place(21 + number * 0.02)
        crowd.end_one(21.01 + number * 0.02)
    crowd.run()
    assert crowd.verdicts == {"accepted": 1200, "ended": 200}
    assert crowd.held == 1000
    assert max(crowd.tries) <= 3
    assert crowd.tables.seen["TransactionConflict"] < 12
