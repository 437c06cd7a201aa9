"""The one optimistic loop: read, decide, write on the version that was read, and again if somebody else wrote first."""

from collections.abc import Callable
from typing import TypeVar

from duologue.domain.errors import OutsideUnavailable, RaceLost

T = TypeVar("T")
Pause = Callable[[int], None]
"""Waits a little before the next try; its argument counts the races lost so far."""


def no_pause(lost: int) -> None:
    """For what few write at the same time."""


TRIES = 16
"""Races lost in a row before giving up. With the longest pauses (jittered_pause.py) they take less than 4 s (R17)."""


def until_written(attempt: Callable[[], T], pause: Pause, what: str) -> T:
    """Run `attempt` until it loses no race; it must read again each time.

    Raises:
        OutsideUnavailable: `what` lost TRIES races in a row.
    """
    for lost in range(TRIES):
        try:
            return attempt()
        except RaceLost:
            pause(lost)
    raise OutsideUnavailable(f"{what}: lost {TRIES} races in a row")
