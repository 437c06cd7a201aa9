"""When a digest is too old, when wrong ones lock, and how long a nonce is remembered."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.access.attempts import (
    CLOCK_TOLERANCE,
    FAILURE_WINDOW,
    LOCKED_FOR,
    MOST_FAILURES,
    Failures,
    check_time,
    nonce_needed_until,
)
from duologue.domain.errors import AuthenticationLocked, RequestStale
from tests.samples import NOW, at

SECONDS = st.floats(0, 4000).map(lambda seconds: round(seconds, 3))


@given(st.floats(-3 * 3600, 3 * 3600), st.booleans())
def test_a_time_is_near_by_either_reading(seconds, in_utc_8):
    written = at(seconds) + (timedelta(hours=8) if in_utc_8 else timedelta())
    readings = (written, written - timedelta(hours=8))
    if abs(readings[in_utc_8] - NOW) <= CLOCK_TOLERANCE:
        check_time(readings, NOW)
    else:
        with pytest.raises(RequestStale):
            check_time(readings, NOW)


@given(
    st.lists(st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3), timezones=st.just(UTC)), min_size=1, max_size=2),
    st.floats(0, 3 * 24 * 3600),
)
def test_no_digest_is_good_when_its_nonce_is_forgotten(created, seconds):
    """Whatever the clock says after that moment, the time is too far."""
    with pytest.raises(RequestStale):
        check_time(created, nonce_needed_until(created) + timedelta(seconds=seconds))


@given(st.lists(SECONDS, min_size=1, max_size=60).map(sorted))
def test_it_is_locked_when_ten_fell_within_five_minutes_and_never_else(times):
    failures = Failures()
    counted: list[datetime] = []
    until: datetime | None = None
    for seconds in times:
        now = at(seconds)
        if until is not None and now < until:
            with pytest.raises(AuthenticationLocked):
                failures.count(now)
            continue
        failures = failures.count(now)
        counted = [*(earlier for earlier in counted if now - earlier < FAILURE_WINDOW), now]
        if len(counted) == MOST_FAILURES:
            counted, until = [], now + LOCKED_FOR
        locked = until is not None and now < until
        assert (failures.locked_until == until) if locked else failures.locked_until in (None, until)
        if locked:
            with pytest.raises(AuthenticationLocked):
                failures.check(now)
        else:
            failures.check(now)


def test_a_lock_opens_at_its_end():
    failures = Failures()
    for second in range(10):
        failures = failures.count(at(second))
    with pytest.raises(AuthenticationLocked):
        failures.check(at(9) + LOCKED_FOR - timedelta(microseconds=1))
    failures.check(at(9) + LOCKED_FOR)
    assert failures.count(at(9) + LOCKED_FOR) == Failures((at(9) + LOCKED_FOR,), None)


def test_when_nothing_of_it_matters_any_more():
    assert Failures().ends_at is None
    assert Failures().count(NOW).ends_at == NOW + FAILURE_WINDOW
    assert Failures(locked_until=at(7)).ends_at == at(7)
