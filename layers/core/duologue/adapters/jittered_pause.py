"""A short rest before a write that lost a race is tried again, so that those who met there do not meet again."""

from random import SystemRandom
from time import sleep

_FIRST_S = 0.01
_LONGEST_S = 0.32
_chance = SystemRandom().random


def longest_s(lost: int) -> float:
    """The longest rest after `lost` + 1 races lost in a row: 10 ms, twice as long each time, at most 320 ms."""
    return min(_LONGEST_S, _FIRST_S * (1 << lost))


def pause(lost: int) -> None:
    sleep(_chance() * longest_s(lost))
