"""A random pause before a write that lost a race is retried, so that the same writers do not collide again."""

from random import SystemRandom
from time import sleep

_FIRST_S = 0.01
_LONGEST_S = 0.32
_chance = SystemRandom().random


def longest_s(lost: int) -> float:
    """The maximum pause after `lost` + 1 lost races in a row: 10 ms, doubled each time, at most 320 ms."""
    return min(_LONGEST_S, _FIRST_S * (1 << lost))


def pause(lost: int) -> None:
    sleep(_chance() * longest_s(lost))
