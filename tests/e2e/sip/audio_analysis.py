"""Which tones are in telephone audio, by a fast Fourier transform."""

import cmath
import io
import itertools
import math
import wave
from array import array
from collections import Counter
from datetime import datetime

RATE = 8000
WINDOW = 2048
"""Samples analysed at a time: 256 ms, which separates tones 12 Hz apart despite the window's smearing."""
BESIDE = 30.0
"""Hz; the tones of these tests are farther apart."""
FAINT = 200.0
"""Amplitude below which a tone is ignored; a built-in phone's tone has 8191."""


def samples(pcm: bytes) -> "array[int]":
    return array("h", pcm[: len(pcm) // 2 * 2])


def stretch(pcm: bytes, begun: datetime, since: datetime, until: datetime) -> "array[int]":
    """The part between two times, of audio that began at `begun`."""
    first, last = (int((at - begun).total_seconds() * RATE) for at in (since, until))
    return samples(pcm)[max(0, first) : last]


def channels(wav: bytes) -> list["array[int]"]:
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
        count = file.getnchannels()
        both = samples(file.readframes(file.getnframes()))
    return [both[which::count] for which in range(count)]


def fft(values: list[complex]) -> list[complex]:
    """Cooley and Tukey's algorithm, for a power of two."""
    count = len(values)
    if count == 1:
        return values
    even, odd = fft(values[0::2]), fft(values[1::2])
    turned = [cmath.exp(-2j * math.pi * k / count) * odd[k] for k in range(count // 2)]
    return [a + b for a, b in zip(even, turned, strict=True)] + [a - b for a, b in zip(even, turned, strict=True)]


def spectrum(stretch: "array[int]") -> list[float]:
    """Amplitude for each bin of a window, with a Hann window so that a tone does not leak."""
    weighted = [
        complex(value * (0.5 - 0.5 * math.cos(2 * math.pi * at / WINDOW))) for at, value in enumerate(stretch[:WINDOW])
    ]
    return [4 * abs(each) / WINDOW for each in fft(weighted)[: WINDOW // 2]]


def tones(stretch: "array[int]") -> list[int]:
    """The tones (Hz, to the nearest multiple of 20) at least a fifth as loud as the loudest; none if all are faint.

    A peak closer than `BESIDE` to a louder one is an artefact of it: an interrupted tone has such neighbours.
    """
    found = spectrum(stretch)
    least = max(FAINT, max(found) / 5)
    peaks = [at for at in range(2, len(found) - 1) if found[at] >= least and found[at - 1] <= found[at] > found[at + 1]]
    kept: list[int] = []
    for peak in sorted(peaks, key=lambda at: -found[at]):
        if all(abs(peak - other) * RATE / WINDOW >= BESIDE for other in kept):
            kept.append(peak)
    return sorted({round(at * RATE / WINDOW / 20) * 20 for at in kept})


def windows(sound: "array[int]", step: int = WINDOW) -> list[tuple[int, ...]]:
    """The tones of each window."""
    return [tuple(tones(sound[at : at + WINDOW])) for at in range(0, len(sound) - WINDOW + 1, step)]


def loudest(sound: "array[int]") -> "Counter[int | None]":
    """The loudest tone of each window, with the number of windows; None: silence."""
    found = [spectrum(sound[at : at + WINDOW]) for at in range(0, len(sound) - WINDOW + 1, WINDOW)]
    peaks = [(max(each), each.index(max(each))) for each in found]
    return Counter(round(at * RATE / WINDOW / 20) * 20 if level >= FAINT else None for level, at in peaks)


def sequence(sound: "array[int]", step: int = WINDOW // 2) -> list[tuple[int, ...]]:
    """What was received, in order: the tones of each window, changes only.

    A window at a transition contains both tones or neither; so a window counts only if its neighbour agrees.
    """
    steady = [one for one, after in itertools.pairwise(windows(sound, step)) if one == after]
    return [each for at, each in enumerate(steady) if at == 0 or steady[at - 1] != each]


def audible(sound: "array[int]") -> list[tuple[int, ...]]:
    """`sequence` without silence."""
    heard = [each for each in sequence(sound) if each]
    return [each for at, each in enumerate(heard) if at == 0 or heard[at - 1] != each]
