"""Telephone audio: 16-bit samples in this machine's byte order, 8000 a second, one channel.

WAV is little-endian, and so is every machine for which the SIP library has a wheel.
"""

import io
import math
import wave
from array import array
from itertools import accumulate, pairwise

RATE = 8000
FRAME = 160
"""Samples in 20 ms."""
FRAME_BYTES = 2 * FRAME
SILENCE = bytes(FRAME_BYTES)


def telephone_audio(content: bytes) -> bytes:
    """The samples of an uncompressed PCM WAV file with any rate, width and number of channels.

    Raises: wave.Error, EOFError: it is not such a file.
    """
    with wave.open(io.BytesIO(content)) as file:
        rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
        raw = file.readframes(file.getnframes())
    if not raw:
        return b""
    return resampled(_mono(_sixteen_bits(raw, width), channels), rate).tobytes()


def _sixteen_bits(raw: bytes, width: int) -> "array[int]":
    """Eight-bit samples are unsigned in WAV, wider ones signed; the low bits of wider ones are dropped."""
    if width == 1:
        return array("h", ((each - 128) << 8 for each in raw))
    samples = array("h", bytes(2 * (len(raw) // width)))
    whole = raw[: len(samples) * width]
    out = bytearray(2 * len(samples))
    out[0::2], out[1::2] = whole[width - 2 :: width], whole[width - 1 :: width]
    return array("h", bytes(out))


def _mono(samples: "array[int]", channels: int) -> "array[int]":
    if channels == 1:
        return samples
    whole = len(samples) // channels * channels
    return array("h", (sum(samples[at : at + channels]) // channels for at in range(0, whole, channels)))


def resampled(samples: "array[int]", rate: int) -> "array[int]":
    """Resample to 8 kHz. Downsampling averages the samples within each new one; upsampling takes the nearest."""
    if rate == RATE:
        return samples
    count = len(samples) * RATE // rate
    if rate < RATE:
        return array("h", (samples[index * rate // RATE] for index in range(count)))
    sums = [0, *accumulate(samples)]
    edges = [index * rate // RATE for index in range(count + 1)]
    return array("h", ((sums[end] - sums[start]) // (end - start) for start, end in pairwise(edges)))


def tone(hertz: float, seconds: float = 1.0, level: float = 0.25) -> bytes:
    """`level`: fraction of full scale. It loops without a click if it holds a whole number of waves."""
    step = 2 * math.pi * hertz / RATE
    peak = 32767 * level
    return array("h", (int(peak * math.sin(step * each)) for each in range(int(seconds * RATE)))).tobytes()


def share(window: "array[int]", hertz: float) -> float:
    """The share of the energy at one frequency, 0 to 1 (Goertzel algorithm); 0 for silence."""
    factor = 2 * math.cos(2 * math.pi * hertz / RATE)
    one = two = 0.0
    for sample in window:
        one, two = sample + factor * one - two, one
    power = one * one + two * two - factor * one * two
    whole = sum(sample * sample for sample in window)
    return 2 * power / (len(window) * whole) if whole else 0.0


def wav_file(pcm: bytes, channels: int = 1) -> bytes:
    """16-bit PCM, 8 kHz."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)
    return out.getvalue()
