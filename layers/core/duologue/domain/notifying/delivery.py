"""The retry schedule of notifications.

Ten attempts over 75 hours, the schedule that the Standard Webhooks specification gives as its example: soon at first,
for the restart of a server; far apart at the end, for an outage over a weekend. After that the notification is
undelivered: kept, listed, and sent again on request. An SP can put an attempt off by `Retry-After`, for up to an hour.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The wait after attempt 1, 2, …"""

GIVE_UP = timedelta(hours=96)
"""After this nothing is attempted any more, if attempts were put off because the endpoint did not answer others."""

_SPREAD = 0.2
_FIRST_PUT_OFF = timedelta(minutes=1)
_LONGEST_PUT_OFF = timedelta(hours=1)
_LONGEST_REQUESTED = timedelta(hours=1)
_NONE = timedelta(0)


def wait_after(
    attempt: int, chance: float, requested: timedelta = _NONE, delays: Sequence[timedelta] = DELAYS
) -> timedelta | None:
    """The wait after attempt number `attempt` (from 1) failed; None: it was the last.

    `chance`, from 0 up to 1, is the jitter: it lengthens the wait by up to a fifth. `requested`: what the SP asked for.
    """
    if attempt > len(delays):
        return None
    return max(delays[attempt - 1] * (1 + _SPREAD * chance), requested)


def put_off_for(times: int, chance: float) -> timedelta:
    """The wait for an endpoint that does not answer, if an attempt was put off so often in a row before.

    It doubles, so that many that wait for one endpoint cost little, and spreads over twice its length.
    """
    doubled: int = 2 ** min(times, 10)
    return min(_FIRST_PUT_OFF * doubled, _LONGEST_PUT_OFF) * (1 + chance)


def delays_of(text: str) -> tuple[timedelta, ...]:
    """A schedule as it is configured: the seconds of each wait, comma separated."""
    return tuple(timedelta(seconds=int(each)) for each in text.split(","))


def requested_wait(retry_after: str, now: datetime) -> timedelta:
    """The wait that a `Retry-After` header asks for, from 0 to an hour; 0 for a value that is neither of its two forms.

    A number of seconds, or an HTTP date (RFC 9110, 10.2.3).
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text.lstrip("0")[:9] or "0")), _LONGEST_REQUESTED)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter: a year beyond the largest integer of C
        return _NONE
    if until.tzinfo is None:  # the form of asctime has no zone: HTTP dates are in GMT
        until = until.replace(tzinfo=UTC)
    return min(max(until - now, _NONE), _LONGEST_REQUESTED)
