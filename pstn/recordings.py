"""Call recordings: when each ran, and the WAV file that it produces.

A line without audio gets a synthetic recording, yet the file is a valid one of the right length: 16-bit PCM, 8 kHz, two
channels for BOTH (left: from the leg, right: to it), one otherwise; a soft tone while it records, silence while paused.
Metadata names: start-call-recording page. The sample rate is not documented; telephony uses 8 kHz.
"""

import io
import math
import wave
from array import array
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

RATE = 8000
_READ_BYTES = 1024 * 1024
LONGEST = 600.0
"""Maximum seconds of synthetic audio, so that a day-long call on a jumping clock does not produce gigabytes."""


class RecordingStore(Protocol):
    """Where recordings are stored: S3, or memory in a test."""

    def accessible(self, bucket: str) -> bool: ...
    def put(self, bucket: str, key: str, body: BinaryIO, metadata: dict[str, str]) -> None:
        """Store what is read from `body`, which can be read several times (seek)."""


@dataclass
class MemoryRecordings:
    """Every bucket is accessible; objects are kept in `objects`, by bucket and key."""

    objects: dict[tuple[str, str], tuple[bytes, dict[str, str]]] = field(default_factory=dict)

    def accessible(self, bucket: str) -> bool:
        return True

    def put(self, bucket: str, key: str, body: BinaryIO, metadata: dict[str, str]) -> None:
        self.objects[bucket, key] = body.read(), metadata


@dataclass
class Recording:
    """One recording while it runs. `pauses`: start and end of each (None: still paused)."""

    id: str
    call_id: str
    transaction_id: str
    track: str
    bucket: str
    key: str
    opened_at: datetime
    closed_at: datetime | None = None
    pauses: list[tuple[datetime, datetime | None]] = field(default_factory=list)

    def pause(self, now: datetime) -> None:
        if not self.pauses or self.pauses[-1][1] is not None:
            self.pauses.append((now, None))

    def resume(self, now: datetime) -> None:
        if self.pauses and self.pauses[-1][1] is None:
            self.pauses[-1] = (self.pauses[-1][0], now)

    def close(self, now: datetime) -> None:
        self.resume(now)
        self.closed_at = now

    @property
    def seconds(self) -> float:
        """Its length, including pauses; 0 while it runs."""
        return (self.closed_at - self.opened_at).total_seconds() if self.closed_at else 0.0

    def metadata(self) -> dict[str, str]:
        return {
            "transaction-id": self.transaction_id,
            "call-id": self.call_id,
            "recording-duration": str(math.ceil(self.seconds)),
            "recording-audio-file-format": "wav",
        }

    def wav(self) -> bytes:
        channels = 2 if self.track == "BOTH" else 1
        frames = int(min(self.seconds, LONGEST) * RATE)
        second = array("h", (int(800 * math.sin(2 * math.pi * 400 * n / RATE)) for n in range(RATE)))
        mono = (second * (frames // RATE + 1))[:frames]
        for start, end in self.pauses:
            first = int((start - self.opened_at).total_seconds() * RATE)
            last = int(((end or start) - self.opened_at).total_seconds() * RATE)
            mono[first:last] = array("h", bytes(2 * len(mono[first:last])))
        samples = mono
        if channels == 2:
            samples = array("h", bytes(4 * frames))
            samples[0::2], samples[1::2] = mono, mono
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples.tobytes())
        return out.getvalue()


def write_wav(samples: BinaryIO, channels: int, into: BinaryIO) -> None:
    """Make a WAV file of raw samples, 16-bit PCM at 8 kHz, whatever its size; then go to its beginning."""
    with wave.open(into, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        while some := samples.read(_READ_BYTES):
            file.writeframesraw(some)
    into.seek(0)


def wav_seconds(content: bytes) -> float | None:
    """Duration of a WAV file; None if it is not an uncompressed PCM WAV file, the only kind that PlayAudio accepts."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            return float(file.getnframes() / file.getframerate())
    except (wave.Error, EOFError, ZeroDivisionError):
        return None
