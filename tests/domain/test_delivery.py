"""The schedule of repeated notifications."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.delivery import DELAYS, wait_after


def test_the_schedule_spans_more_than_a_day_and_ends():
    assert sum(DELAYS, timedelta()) > timedelta(days=1)
    assert wait_after(len(DELAYS), 0) is not None
    assert wait_after(len(DELAYS) + 1, 0) is None


@given(st.integers(1, len(DELAYS)), st.floats(0, 1, exclude_max=True))
def test_chance_only_lengthens_a_wait_and_by_a_fifth_at_most(attempt, chance):
    wait = wait_after(attempt, chance)
    assert wait is not None
    assert DELAYS[attempt - 1] <= wait <= DELAYS[attempt - 1] * 1.2
