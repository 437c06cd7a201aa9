"""The schedule of repeated notifications."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.notifying.delivery import DELAYS, delays_of, requested_wait, wait_after
from tools.template import read_template


def test_the_schedule_is_ten_attempts_over_75_hours_and_ends():
    assert (len(DELAYS) + 1, sum(DELAYS, timedelta()) // timedelta(hours=1)) == (10, 75)
    assert wait_after(len(DELAYS), 0) is not None
    assert wait_after(len(DELAYS) + 1, 0) is None


@given(st.integers(1, len(DELAYS)), st.floats(0, 1, exclude_max=True))
def test_chance_only_lengthens_a_wait_and_by_a_fifth_at_most(attempt, chance):
    wait = wait_after(attempt, chance)
    assert wait is not None
    assert DELAYS[attempt - 1] <= wait <= DELAYS[attempt - 1] * 1.2


@given(st.integers(1, len(DELAYS)), st.timedeltas(timedelta(0), timedelta(hours=1)))
def test_the_sp_only_lengthens_a_wait_and_not_the_number_of_attempts(attempt, requested):
    assert wait_after(attempt, 0, requested) == max(DELAYS[attempt - 1], requested)
    assert wait_after(len(DELAYS) + 1, 0, requested) is None


def test_the_schedule_can_be_configured_and_is_the_template_s_by_default():
    default = read_template()["Parameters"]["RetryDelays"]["Default"]
    assert delays_of(default) == DELAYS
    assert wait_after(1, 0, delays=delays_of("0,7")) == timedelta(0)
    assert wait_after(3, 0, delays=delays_of("0,7")) is None


NOW = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("", 0),
        ("0", 0),
        (" 40 ", 40),
        ("0000000000040", 40),
        ("3600", 3600),
        ("3601", 3600),
        ("9" * 5000, 3600),
        ("-5", 0),
        ("1.5", 0),
        ("\u0664\u0660", 0),
        ("Mon, 23 Nov 2026 09:00:40 GMT", 40),
        ("Monday, 23-Nov-26 09:00:40 GMT", 40),
        ("Mon Nov 23 09:00:40 2026", 40),
        ("Mon, 23 Nov 2026 08:59:00 GMT", 0),
        ("Mon, 23 Nov 2026 12:00:00 GMT", 3600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("Mon, 99 Nov 2026 09:00:40 GMT", 0),
        (f"Mon, 23 Nov {'9' * 20} 09:00:40 GMT", 0),
        ("soon", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(retry_after, seconds):
    assert requested_wait(retry_after, NOW) == timedelta(seconds=seconds)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,5} [A-Z][a-z]{2} \d{1,30} \d+:\d+:\d+ [-+A-Z0-9]{0,6}"))
def test_no_retry_after_is_an_error(retry_after):
    assert timedelta(0) <= requested_wait(retry_after, NOW) <= timedelta(hours=1)
