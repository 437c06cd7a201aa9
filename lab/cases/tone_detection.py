"""Measures for how long a tone is present in audio: how the checks know whom a phone heard."""

import math
from array import array
from collections.abc import Iterator

from pstn.lines.sip.audio import RATE

WINDOW = RATE // 10
"""Samples analysed at a time: 100 ms, in which every voice of `lab.phones.voices` has a whole number of waves."""
PURE = 0.9
"""A tone has at least this share of a window's energy, unless it is interrupted or mixed with something else."""


def samples(pcm: bytes) -> "array[int]":
    """The samples of 16-bit audio; an incomplete one at the end is dropped."""
    return array("h", pcm[: len(pcm) // 2 * 2])


def windows(sound: "array[int]") -> "Iterator[array[int]]":
    return (sound[at : at + WINDOW] for at in range(0, len(sound) - WINDOW + 1, WINDOW))


def share(window: "array[int]", hertz: float) -> float:
    """The share of the energy at one frequency, 0 to 1 (Goertzel algorithm); 0 for silence."""
    factor = 2 * math.cos(2 * math.pi * hertz / RATE)
    one = two = 0.0
    for sample in window:
        one, two = sample + factor * one - two, one
    power = one * one + two * two - factor * one * two
    whole = sum(sample * sample for sample in window)
    return 2 * power / (len(window) * whole) if whole else 0.0


def seconds_of(hertz: float, sound: "array[int]") -> float:
    """For how many seconds this tone alone is present."""
    return sum(share(window, hertz) >= PURE for window in windows(sound)) * WINDOW / RATE
