"""Measures for how long a tone is present in audio: how the checks know whom a phone heard."""

from array import array
from collections.abc import Iterator

from pstn.lines.sip.audio import RATE, share

WINDOW = RATE // 10
"""Samples analysed at a time: 100 ms, in which every voice of `lab.phones.voices` has a whole number of waves."""
PURE = 0.9
"""A tone has at least this share of a window's energy, unless it is interrupted or mixed with something else."""


def samples(pcm: bytes) -> "array[int]":
    """The samples of 16-bit audio; an incomplete one at the end is dropped."""
    return array("h", pcm[: len(pcm) // 2 * 2])


def windows(sound: "array[int]") -> "Iterator[array[int]]":
    return (sound[at : at + WINDOW] for at in range(0, len(sound) - WINDOW + 1, WINDOW))


def seconds_of(hertz: float, sound: "array[int]") -> float:
    """For how many seconds this tone alone is present."""
    return sum(share(window, hertz) >= PURE for window in windows(sound)) * WINDOW / RATE
