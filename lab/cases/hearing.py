"""How much of a tone is in a sound: how it is judged what a phone received."""

import math
from array import array
from collections.abc import Iterator

from pstn.lines.sip.audio import RATE

WINDOW = RATE // 10
"""Samples judged at a time: 100 ms, in which every voice of `lab.phones.voices` has a whole number of waves."""
PURE = 0.9
"""Share of a window's energy that its tone has, unless something interrupts it or sounds beside it."""


def samples(pcm: bytes) -> "array[int]":
    """Of 16-bit sound; half a sample at the end is left out."""
    return array("h", pcm[: len(pcm) // 2 * 2])


def windows(sound: "array[int]") -> "Iterator[array[int]]":
    return (sound[at : at + WINDOW] for at in range(0, len(sound) - WINDOW + 1, WINDOW))


def share(window: "array[int]", hertz: float) -> float:
    """How much of the energy is at one frequency, 0 to 1 (Goertzel's algorithm); 0 of silence."""
    factor = 2 * math.cos(2 * math.pi * hertz / RATE)
    one = two = 0.0
    for sample in window:
        one, two = sample + factor * one - two, one
    power = one * one + two * two - factor * one * two
    whole = sum(sample * sample for sample in window)
    return 2 * power / (len(window) * whole) if whole else 0.0


def seconds_of(hertz: float, sound: "array[int]") -> float:
    """For how long the tone, and nothing else, is to be heard."""
    return sum(share(window, hertz) >= PURE for window in windows(sound)) * WINDOW / RATE
