"""When an SP that did not take a notification is told again.

Nine more times over a day and a few hours: soon at first, for the restart of a server; far apart at the end, for the
night of its operator. After that the notification is kept as undelivered, never dropped.
"""

from datetime import timedelta

DELAYS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=12),
)
"""The wait after attempt 1, 2, …"""

_SPREAD = 0.2


def wait_after(attempt: int, chance: float) -> timedelta | None:
    """How long to wait after attempt number `attempt` (from 1) failed, or None if it was the last.

    `chance`, from 0 up to 1, lengthens the wait by up to a fifth: what failed together does not return together.
    """
    if attempt > len(DELAYS):
        return None
    return DELAYS[attempt - 1] * (1 + _SPREAD * chance)
