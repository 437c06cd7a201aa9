"""The local S3 for the telephone network: prompts to play, and storage for recordings."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from pstn.lines import AudioFile


class Prompts:
    """Reads a prompt; None if it does not exist or is not a WAV file."""

    def __init__(self, read: Callable[[str, str], bytes | None]) -> None:
        self._read = read

    def __call__(self, bucket: str, key: str) -> AudioFile | None:
        content = self._read(bucket, key)
        if content is None:
            return None
        try:
            with wave.open(io.BytesIO(content)) as sound:
                return AudioFile(sound.getnframes() / sound.getframerate(), content)
        except (wave.Error, EOFError):
            return None


class Recordings:
    """Stores recordings."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def accessible(self, bucket: str) -> bool:
        """Whether the bucket exists."""
        try:
            self._s3.head_bucket(Bucket=bucket)
        except ClientError:
            return False
        return True

    def put(self, bucket: str, key: str, body: BinaryIO, metadata: dict[str, str]) -> None:
        """Store one finished recording."""
        self._s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata, ContentType="audio/wav")
