"""Random pauses: before a write that lost a race is retried, and between tries while the store is unavailable.

They are random so that those who collided, or failed at the same moment, do not meet again.
"""

from collections.abc import Callable
from random import SystemRandom
from time import monotonic, sleep

_FIRST_S = 0.01
_LONGEST_S = 0.32
_LONGEST_OUTAGE_PAUSE_S = 1.0
_chance = SystemRandom().random


def longest_s(lost: int) -> float:
    """The maximum pause after `lost` + 1 lost races in a row: 10 ms, doubled each time, at most 320 ms."""
    return min(_LONGEST_S, _FIRST_S * (1 << lost))


def pause(lost: int) -> None:
    sleep(_chance() * longest_s(lost))


def tries_within(seconds: float) -> Callable[[], Callable[[], bool]]:
    """A `begin_tries`: a further try begins at most `seconds` after the work did, with pauses that grow to a second."""

    def begin() -> Callable[[], bool]:
        until, failed = monotonic() + seconds, 0

        def may_try_again() -> bool:
            nonlocal failed
            left, failed = until - monotonic(), failed + 1
            if left <= 0:
                return False
            sleep(min(left, (1 + _chance()) / 2 * min(_LONGEST_OUTAGE_PAUSE_S, _FIRST_S * (1 << failed))))
            return True

        return may_try_again

    return begin
