"""The optimistic loop: read, decide, write on the condition of the version read; repeat after a lost race."""

from collections.abc import Callable
from typing import TypeVar

from duologue.domain.errors import OutsideUnavailable, RaceLost, StoreBusy

T = TypeVar("T")
Pause = Callable[[int], None]
"""Waits before the next attempt, as the store is busy; its argument counts how often it was before."""


def no_pause(lost: int) -> None:
    """For rows with few concurrent writers."""


MayTryAgain = Callable[[], bool]
"""Waits before a further try; False, at once: there is no time for one."""


def begin_single_try() -> MayTryAgain:
    """For work that is tried once."""
    return lambda: False


TRIES = 16
"""Attempts before giving up. With maximum pauses (jittered_pause.py) they take less than 4 s (R17)."""


def until_written(attempt: Callable[[], T], pause: Pause, what: str) -> T:
    """Run `attempt` until it loses no race. It must read the row each time.

    Raises:
        OutsideUnavailable: `what` lost TRIES races in a row.
    """
    busy = 0
    for _ in range(TRIES):
        try:
            return attempt()
        except StoreBusy:
            pause(busy)
            busy += 1
        except RaceLost:  # somebody else has written: there is nothing to wait for
            continue
    raise OutsideUnavailable(f"{what}: lost {TRIES} races in a row")
