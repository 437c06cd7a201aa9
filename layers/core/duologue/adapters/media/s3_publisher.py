"""Convert the network's recording for SPs: stereo 16-bit PCM → mono A-law, 8 kHz.

A 24-hour call is 2.7 GB, so it is streamed, through a file in the temporary folder (a quarter of that; template.yaml
sets the function's storage). The result has the format of the hosted original: WAV, A-law, 64 kbit/s, mono.
"""

import audioop
import struct
import tempfile
import wave
from typing import IO, TYPE_CHECKING, Protocol

from duologue.adapters.basics.aws import outside
from duologue.domain.errors import OutsideUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TaggingTypeDef

KEEP_TAG = "keep-days"
_RATE = 8000
_FRAMES = 65_536
_A_LAW = 6
_HEADER = 58
"""RIFF 12, fmt 26 (18 bytes of content, with the size of an empty extension), fact 12, data 8."""


class S3Publisher:
    """Implements `usecases.ports.recordings.Publisher`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def remove(self, key: str) -> None:
        with outside("recordings bucket"):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def publish(self, key: str, published_key: str, keep_days: int) -> None:
        with tempfile.TemporaryFile() as made:
            with outside("recordings bucket"):
                body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            try:
                write_a_law(_Unseekable(body), made)
            except (wave.Error, EOFError) as error:
                raise OutsideUnavailable(f"recording {key}: {error}") from error
            made.seek(0)
            with outside("recordings bucket"):
                self._client.put_object(Bucket=self._bucket, Key=published_key, Body=made, ContentType="audio/wav")
                for each in (key, published_key) if keep_days else ():
                    self._client.put_object_tagging(Bucket=self._bucket, Key=each, Tagging=_tagging(keep_days))


def _tagging(keep_days: int) -> "TaggingTypeDef":
    """The lifecycle rules in template.yaml delete objects with this tag."""
    return {"TagSet": [{"Key": KEEP_TAG, "Value": str(keep_days)}]}


class _Readable(Protocol):
    def read(self, amt: int = ..., /) -> bytes: ...
    def close(self) -> None: ...


class _Unseekable:
    """A forward-only stream, so that `wave` does not try to seek."""

    def __init__(self, body: "_Readable") -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        return self._body.read(size)

    def close(self) -> None:
        self._body.close()


def write_a_law(audio: "IO[bytes] | _Unseekable", made: IO[bytes]) -> int:
    """Write the whole file and return its number of samples.

    Raises:
        wave.Error, EOFError: `audio` is not a PCM WAV file, or is truncated within its header.
    """
    with wave.open(audio) as source:  # type: ignore[arg-type]
        channels, width, rate = source.getnchannels(), source.getsampwidth(), source.getframerate()
        made.write(bytes(_HEADER))
        samples, state = 0, None
        while piece := source.readframes(_FRAMES):
            mono = audioop.tomono(piece, width, 0.5, 0.5) if channels == 2 else piece
            if rate != _RATE:
                mono, state = audioop.ratecv(mono, width, 1, rate, _RATE, state)
            samples += made.write(audioop.lin2alaw(mono, width))
    if samples % 2:
        made.write(b"\0")  # chunks are padded to an even length
    made.seek(0)
    made.write(_header(samples))
    return samples


def _header(samples: int) -> bytes:
    form = struct.pack("<HHIIHHH", _A_LAW, 1, _RATE, _RATE, 1, 8, 0)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"fact" + struct.pack("<II", 4, samples)
    whole = 4 + len(chunks) + 8 + samples + samples % 2
    return b"RIFF" + struct.pack("<I", whole) + b"WAVE" + chunks + b"data" + struct.pack("<I", samples)
