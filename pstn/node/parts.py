"""Parts of recordings that are under way, in the recordings bucket, so that a node that dies loses half a minute.

    parts/<node>/<transaction>/<recording>/000000    raw samples: 16 bits little endian, 8 kHz, interleaved
    parts/<node>/<transaction>/<recording>/about.json

A node writes a part of each of its recordings every half minute, `about.json` before the first one, and deletes them
when the whole recording is stored. Those of a dead node are put together by the nodes that live (`Adoption`).

Rule: parts are deleted only after the recording was stored, and what is put together is stored only where nothing is
yet. So several nodes may do that at the same time: one that has read some of the parts only comes too late to store.
"""

import io
import json
import logging
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from pstn.node.table import NodesTable, Row
from pstn.recordings import RATE, Recording, write_wav

ROOT, ABOUT = "parts", "about.json"
SAMPLE_BYTES = 2
_MOST_AT_ONCE = 1_000
"""Objects of one request that deletes."""
_READ_BYTES = 1024 * 1024
_MISSING, _EXISTS = 404, 412
"""Statuses of S3; the second is that of a conditional write."""
_log = logging.getLogger(__name__)

ReadFrom = Callable[[str, int], bytes | None]
"""(recording, offset) → the raw samples that have been recorded from there on; None: the line has no audio."""


def folder(node: str, recording: Recording) -> str:
    return f"{ROOT}/{node}/{recording.transaction_id}/{recording.id}/"


@dataclass
class _Begun:
    folder: str
    bytes: int = 0
    parts: int = 0


class Parts:
    """Writes and deletes the parts of one node's recordings. `client`: of S3; `bucket`: that of the recordings."""

    def __init__(self, client: Any, bucket: str, node: str, read_from: ReadFrom) -> None:
        self._client, self._bucket, self._node, self._read_from = client, bucket, node, read_from
        self._begun: dict[str, _Begun] = {}

    def write(self, recordings: Iterable[Recording]) -> None:
        """Write what has been recorded since the last time. What S3 does not take now is part of the next part."""
        for recording in recordings:
            if recording.bucket != self._bucket:
                continue
            begun = self._begun.setdefault(recording.key, _Begun(folder(self._node, recording)))
            try:
                self._write(recording, begun)
            except (ClientError, BotoCoreError) as error:
                _log.warning("a part of a recording was not stored", extra={"error": type(error).__name__})

    def _write(self, recording: Recording, begun: _Begun) -> None:
        frame = SAMPLE_BYTES * _channels(recording)
        samples = self._read_from(recording.id, begun.bytes) or b""
        samples = samples[: len(samples) - len(samples) % frame]
        if not samples:
            return
        if not begun.parts:
            about = json.dumps(
                {"key": recording.key, "channels": _channels(recording), "metadata": _metadata(recording)}
            )
            self._client.put_object(Bucket=self._bucket, Key=f"{begun.folder}{ABOUT}", Body=about.encode())
        self._client.put_object(Bucket=self._bucket, Key=f"{begun.folder}{begun.parts:06d}", Body=samples)
        begun.parts += 1
        begun.bytes += len(samples)

    def stored(self, bucket: str, key: str) -> None:
        """The whole recording is at its place. Raises: ClientError, BotoCoreError."""
        begun = self._begun.pop(key, None) if bucket == self._bucket else None
        if begun:
            _delete(self._client, self._bucket, begun.folder)


class Adoption:
    """Puts the recordings of dead nodes together. Any node may, as often as it likes, and several at the same time."""

    def __init__(self, client: Any, bucket: str, table: NodesTable) -> None:
        self._client, self._bucket, self._table = client, bucket, table
        self._silent: dict[str, float] = {}
        """Node → its last beat: those that were dead at the last look."""

    def look(self, rows: Iterable[Row], now: float) -> int:
        """`adopt` for nodes that were dead at the look before, too, and wrote nothing since; remove rows that are done.

        After an outage of the table every node is dead for a moment: until it has written its row again.

        Returns, raises: as `adopt`.
        """
        rows = list(rows)
        dead = [row for row in rows if row.is_dead(now) and not row.adopted]
        before, self._silent = self._silent, {row.node: row.beat_at for row in dead}
        count = self.adopt((row for row in dead if before.get(row.node) == row.beat_at), now)
        for row in rows:
            if row.is_done(now):
                self._table.remove(row.node)
        return count

    def adopt(self, rows: Iterable[Row], now: float) -> int:
        """Returns how many recordings were put together. Raises: ClientError, BotoCoreError, TableError."""
        count = 0
        for row in rows:
            if row.is_dead(now) and not row.adopted:
                count += sum(map(self._put_together, self._folders(row.node)))
                self._table.adopted(row.node)
        return count

    def _folders(self, node: str) -> list[str]:
        keys = _keys(self._client, self._bucket, f"{ROOT}/{node}/")
        return sorted({key.rpartition("/")[0] + "/" for key in keys})

    def _put_together(self, place: str) -> bool:
        """Whether this node stored it."""
        parts = sorted(key for key in _keys(self._client, self._bucket, place) if not key.endswith(ABOUT))
        with tempfile.TemporaryFile() as samples:
            for part in parts:
                if not self._copy(part, samples):
                    return False  # another node deletes them
            about = self._read(f"{place}{ABOUT}") if samples.tell() else None
            is_new = about is not None and self._store(about, samples)
        _delete(self._client, self._bucket, place)
        return is_new

    def _store(self, about: dict[str, Any], samples: BinaryIO) -> bool:
        """Whether it was not there."""
        frames = samples.tell() // (SAMPLE_BYTES * about["channels"])
        metadata = {
            **about["metadata"],
            "recording-duration": str(math.ceil(frames / RATE)),
            "recording-incomplete": "true",
        }
        with tempfile.TemporaryFile() as file:
            samples.seek(0)
            write_wav(samples, about["channels"], file)
            place = {"Bucket": self._bucket, "Key": about["key"]}
            try:
                self._client.put_object(**place, Body=file, Metadata=metadata, ContentType="audio/wav", IfNoneMatch="*")
            except ClientError as error:
                if _status(error) == _EXISTS:
                    return False
                raise
        return True

    def _copy(self, key: str, into: BinaryIO) -> bool:
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            if _status(error) == _MISSING:
                return False
            raise
        for some in body.iter_chunks(_READ_BYTES):
            into.write(some)
        return True

    def _read(self, key: str) -> dict[str, Any] | None:
        into = io.BytesIO()
        return json.loads(into.getvalue()) if self._copy(key, into) else None


def _channels(recording: Recording) -> int:
    return 2 if recording.track == "BOTH" else 1


def _metadata(recording: Recording) -> dict[str, str]:
    return {name: value for name, value in recording.metadata().items() if name != "recording-duration"}


def _keys(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return (each["Key"] for page in pages for each in page.get("Contents", []))


def _delete(client: Any, bucket: str, place: str) -> None:
    keys = [{"Key": key} for key in _keys(client, bucket, place)]
    for first in range(0, len(keys), _MOST_AT_ONCE):
        client.delete_objects(Bucket=bucket, Delete={"Objects": keys[first : first + _MOST_AT_ONCE], "Quiet": True})


def _status(error: ClientError) -> int | None:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
