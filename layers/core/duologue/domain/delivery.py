"""The retry schedule of notifications.

Nine retries over a day and a few hours: soon at first, for the restart of a server; far apart at the end, for an outage
over night. After that the notification is kept as undelivered, never dropped.
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
    """The wait after attempt number `attempt` (from 1) failed; None: it was the last.

    `chance`, from 0 up to 1, is the jitter: it lengthens the wait by up to a fifth.
    """
    if attempt > len(DELAYS):
        return None
    return DELAYS[attempt - 1] * (1 + _SPREAD * chance)
