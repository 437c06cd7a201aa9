"""Prompts as WAV files.

Input: 8 kHz, mono, 16-bit PCM or A-law, as the SP's format documents. Output: 16-bit PCM, the only encoding that the
telephone network plays. Layout: RIFF chunks, each a name of 4 bytes, a length and that many bytes, padded to an even
length; numbers are little-endian.
"""

import struct
import sys
from array import array
from dataclasses import dataclass
from statistics import pvariance

from duologue.domain.errors import InvalidField

LARGEST = 2 * 1024 * 1024
"""Maximum size of an input file in bytes."""
RATE_HZ = 8000

_SAMPLE_BYTES = 2
_PCM, _A_LAW, _EXTENSIBLE = 1, 6, 0xFFFE

NOTICE_S = 1.0
"""Minimum length of a recording notice."""
NOTICE_SOUND_S = 0.5
"""Minimum time in it during which something can be heard."""
_WINDOW = RATE_HZ // 50
_AUDIBLE_DB = -45
"""Relative to full scale. Speech on a telephone line has about -26 (ITU-T P.56, G.100)."""


@dataclass(frozen=True, slots=True)
class Pcm:
    """`samples`: 16-bit, 8 kHz, mono, little-endian."""

    samples: bytes

    @property
    def seconds(self) -> float:
        return len(self.samples) / _SAMPLE_BYTES / RATE_HZ

    @property
    def audible_seconds(self) -> float:
        """The time in windows of 20 ms whose sound, without its constant part, is not near silence."""
        levels = array("h", self.samples)
        if sys.byteorder == "big":
            levels.byteswap()
        audible = (32768 * 10 ** (_AUDIBLE_DB / 20)) ** 2
        windows = (levels[at : at + _WINDOW] for at in range(0, len(levels), _WINDOW))
        return sum(len(each) for each in windows if pvariance(each) >= audible) / RATE_HZ

    @property
    def wav(self) -> bytes:
        """The complete WAV file."""
        form = struct.pack("<HHIIHH", _PCM, 1, RATE_HZ, RATE_HZ * _SAMPLE_BYTES, _SAMPLE_BYTES, 8 * _SAMPLE_BYTES)
        chunks = _chunk(b"fmt ", form) + _chunk(b"data", self.samples)
        return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def read_wav(content: bytes, *, field: str = "file") -> Pcm:
    """Parse a WAV file.

    Raises:
        InvalidField: too large, truncated, or an unsupported encoding; names `field`.
    """
    if len(content) > LARGEST:
        raise InvalidField(field, f"is larger than {LARGEST} bytes")
    chunks = _chunks(content, field)
    form, samples = chunks.get(b"fmt ", b""), chunks.get(b"data", b"")
    if len(form) < 16:
        raise InvalidField(field, "is not a WAV file: it has no format chunk")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if kind == _EXTENSIBLE and len(form) >= 26:
        (kind,) = struct.unpack_from("<H", form, 24)  # the format's GUID starts with its short code
    if (rate, channels) != (RATE_HZ, 1):
        raise InvalidField(field, f"must be 8 kHz mono; it has {rate} Hz and {channels} channels")
    if (kind, bits) == (_A_LAW, 8):
        samples = decode_a_law(samples)
    elif (kind, bits) != (_PCM, 16):
        raise InvalidField(field, "must be 16-bit PCM or A-law")
    if not samples or len(samples) % _SAMPLE_BYTES:
        raise InvalidField(field, "has no samples, or an incomplete one at the end")
    return Pcm(samples)


def read_notice(content: bytes, *, field: str = "file") -> Pcm:
    """Parse a WAV file that is to be a recording notice: people must be able to hear it.

    Raises:
        InvalidField: as `read_wav`; too short, or silent.
    """
    notice = read_wav(content, field=field)
    if notice.seconds < NOTICE_S:
        raise InvalidField(field, f"is shorter than {NOTICE_S:g} s, so it cannot be a recording notice")
    if notice.audible_seconds < NOTICE_SOUND_S:
        raise InvalidField(field, f"has less than {NOTICE_SOUND_S:g} s of sound, so it cannot be a recording notice")
    return notice


def decode_a_law(encoded: bytes) -> bytes:
    """ITU-T G.711, table 1a: each byte becomes a 13-bit sample, here in the upper bits of 16."""
    return b"".join(map(_A_LAW_SAMPLES.__getitem__, encoded))


def _a_law_sample(byte: int) -> int:
    byte ^= 0x55  # every other bit is inverted
    segment, step = byte >> 4 & 7, byte & 15
    size = 2 * step + 1 if segment == 0 else (2 * step + 33) << (segment - 1)
    return (size if byte & 0x80 else -size) << 3


_A_LAW_SAMPLES = [struct.pack("<h", _a_law_sample(byte)) for byte in range(256)]


_PLACEHOLDER = 0x7F000000
"""Programs that write to a pipe do not know the length of the samples: ffmpeg says 0xFFFFFFFF, SoX 0x7FFFF000, others
0x7FFFFFFF or 0."""


def _chunks(content: bytes, field: str) -> dict[bytes, bytes]:
    """The first chunk of each name, up to the samples if their format came first; what follows those is not judged."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise InvalidField(field, "is not a WAV file")
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(content):
        name, (length,) = content[at : at + 4], struct.unpack_from("<I", content, at + 4)
        left = len(content) - at - 8
        if name == b"data" and (length == 0 or length >= max(_PLACEHOLDER, left)):
            length = left  # a placeholder: the samples are the rest of the file
        if left < length:
            raise InvalidField(field, "is truncated")
        found.setdefault(name, content[at + 8 : at + 8 + length])
        if b"fmt " in found and b"data" in found:
            break
        at += 8 + length + length % 2
    return found


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
