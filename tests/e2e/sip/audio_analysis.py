"""Which tones are in telephone audio, by a fast Fourier transform."""

import cmath
import io
import math
import wave
from array import array
from collections import Counter
from datetime import datetime

RATE = 8000
WINDOW = 2048
"""Samples analysed at a time: 256 ms, which separates tones 12 Hz apart despite the window's smearing."""
BESIDE = 70.0
"""Hz; the tones of these tests are farther apart."""
LEAST_S = 0.35
"""A tone that is there for less may be the trace of another one that was interrupted."""
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


class Heard:
    """The tones in a sound, by windows half a window apart.

    A busy machine drops some of a sound and delays the rest, so nothing is judged at an instant: only which tones there
    were, in which order they began, and what mostly sounded together.
    """

    STEP = WINDOW // 2

    def __init__(self, found: list[tuple[int, ...]]) -> None:
        self.windows = found

    @classmethod
    def of(cls, sound: "array[int]") -> "Heard":
        return cls(windows(sound, cls.STEP))

    def seconds(self, tone: int) -> float:
        return sum(tone in window for window in self.windows) * self.STEP / RATE

    def order(self) -> list[int]:
        """The tones as they began, without those that were there for less than `LEAST_S`."""
        began = dict.fromkeys(tone for window in self.windows for tone in window)
        return [tone for tone in began if self.seconds(tone) >= LEAST_S]

    def beside(self, tone: int) -> set[int]:
        """What sounded together with this tone for most of its time."""
        [(most, _)] = Counter(window for window in self.windows if tone in window).most_common(1)
        return set(most) - {tone}

    def before(self, tone: int) -> "Heard":
        """What was heard before this tone began."""
        return Heard(self.windows[: self._where(tone)[0]])

    def after(self, tone: int) -> "Heard":
        """What was heard after this tone had ended."""
        return Heard(self.windows[self._where(tone)[-1] + 1 :])

    def _where(self, tone: int) -> list[int]:
        return [at for at, window in enumerate(self.windows) if tone in window]
