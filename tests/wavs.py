"""WAV files for tests, good and bad, made byte by byte."""

import math
import struct

TONE = b"".join(struct.pack("<h", round(3000 * math.sin(math.tau * 440 * i / 8000))) for i in range(8000))
"""Samples of one second that can be heard."""


def wav(
    samples: bytes = bytes(16000),
    *,
    kind: int = 1,
    channels: int = 1,
    rate: int = 8000,
    bits: int = 16,
    more: bytes = b"",
) -> bytes:
    """One second of silence unless told otherwise; `more` goes between what is in it and the sound."""
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits)
    chunks = chunk(b"fmt ", form) + more + chunk(b"data", samples)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
