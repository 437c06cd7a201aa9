"""Prompts from S3, kept in memory while they stay the same."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pstn.lines import AudioFile
from pstn.recordings import wav_seconds

FRESH_S = 30.0
"""For so long a prompt is played again without asking S3 whether it has changed."""
MOST_BYTES = 50 * 1024 * 1024
"""Of one prompt (play-audio page)."""
KEPT_BYTES = 4 * MOST_BYTES


@dataclass
class _Kept:
    etag: str
    audio: AudioFile | None
    """None: it is no audio that can be played."""
    size: int
    asked_at: float


class Prompts:
    """Implements `pstn.lines.AudioLookup`. `client`: of S3. Safe to use from several threads."""

    def __init__(self, client: Any, now: Callable[[], float] = time.monotonic, keep: int = KEPT_BYTES) -> None:
        """`keep`: bytes of prompts; those that were played least recently are dropped."""
        self._client, self._now, self._keep = client, now, keep
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._size = 0

    def __call__(self, bucket: str, key: str) -> AudioFile | None:
        """None: there is no such object, or it is not a PCM WAV file.

        Raises:
            BotoCoreError, ClientError: S3 does not answer, and the prompt is not kept.
        """
        place = bucket, key
        with self._lock:
            kept = self._kept.get(place)
            if kept:
                self._kept.move_to_end(place)
            if kept and self._now() - kept.asked_at < FRESH_S:
                return kept.audio
            if kept:
                kept.asked_at = (
                    self._now()
                )  # while this thread asks, and if S3 is slow or down, others play what is kept
        condition = {"IfNoneMatch": kept.etag} if kept else {}
        try:
            found = self._client.get_object(Bucket=bucket, Key=key, **condition)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if kept and (status == 304 or (status or 500) >= 500):
                return kept.audio
            self._drop(place)
            if status in (403, 404):
                return None
            raise
        except BotoCoreError:
            if kept:
                return kept.audio
            raise
        size = int(found["ContentLength"])
        content = found["Body"].read() if size <= MOST_BYTES else b""
        seconds = wav_seconds(content)
        audio = None if seconds is None else AudioFile(seconds, content)
        self._put(place, _Kept(found["ETag"], audio, len(content), self._now()))
        return audio

    def _put(self, place: tuple[str, str], kept: _Kept) -> None:
        with self._lock:
            self._remove(place)
            self._kept[place] = kept
            self._size += kept.size
            while self._size > self._keep and len(self._kept) > 1:
                self._remove(next(iter(self._kept)))

    def _drop(self, place: tuple[str, str]) -> None:
        with self._lock:
            self._remove(place)

    def _remove(self, place: tuple[str, str]) -> None:
        if kept := self._kept.pop(place, None):
            self._size -= kept.size
