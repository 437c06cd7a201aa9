"""Finished recordings to S3; one that S3 does not take is kept on disk and sent again until it does.

A spooled recording is a pair of files, `<name>.json` with its place and metadata, and `<name>.wav`; the first one is
written last, so a recording without it is not complete: a node that starts removes what another one left so.
"""

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from pstn.node.parts import ROOT

AGAIN_S, AT_ONCE = 20.0, 8
ACCESS_S = 60.0
"""How long the answer whether a bucket is accessible is used again."""
_log = logging.getLogger(__name__)


class Recordings:
    """Implements `pstn.recordings.RecordingStore`. `client`: of S3.

    Args:
        stored: called with bucket and key once a recording is in S3; what it raises is logged.
        at_once: `put`s that wait for S3; further ones spool. They run on the threads that invoke the function of calls,
            which must not all wait for an S3 that is down.
    """

    def __init__(
        self,
        client: Any,
        spool: Path,
        stored: Callable[[str, str], None] = lambda bucket, key: None,
        at_once: int = AT_ONCE,
    ) -> None:
        """Raises: OSError: the spool cannot be made or tidied."""
        self._client, self._spool, self._stored = client, spool, stored
        self._turns = threading.BoundedSemaphore(at_once)
        self._accessible: dict[str, tuple[float, bool]] = {}
        self._sending = threading.Lock()
        spool.mkdir(parents=True, exist_ok=True)
        self._tidy()

    def _tidy(self) -> None:
        """Of what a process left that was killed, keep what is complete. Other nodes have parts of the rest."""
        for written in self._spool.glob("*.part"):
            written.rename(written.with_suffix(".json"))
        names = {path.stem for path in self._spool.iterdir() if path.suffix in (".json", ".wav")}
        for name in sorted(names):
            about, wav = self._spool / f"{name}.json", self._spool / f"{name}.wav"
            if _is_whole(about) and wav.exists():
                continue
            about.unlink(missing_ok=True)
            wav.unlink(missing_ok=True)
            _log.warning("a recording that was not kept as a whole was removed", extra={"file": name})

    def accessible(self, bucket: str) -> bool:
        """Whether the bucket exists and this role may see it. If S3 does not answer, the recording is made anyway."""
        kept = self._accessible.get(bucket)
        if kept and time.monotonic() - kept[0] < ACCESS_S:
            return kept[1]
        if kept:
            self._accessible[bucket] = time.monotonic(), kept[1]  # for others, while this thread asks
        try:
            self._client.list_objects_v2(Bucket=bucket, Prefix=f"{ROOT}/", MaxKeys=1)  # all that the role may list
        except ClientError as error:
            answer = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") not in (301, 400, 403, 404)
        except BotoCoreError:
            answer = True
        else:
            answer = True
        self._accessible[bucket] = time.monotonic(), answer
        return answer

    def put(self, bucket: str, key: str, body: BinaryIO, metadata: dict[str, str]) -> None:
        """Store it now, or later: then it is spooled. Raises: OSError: neither is possible."""
        reason = "many others are being sent"
        if self._turns.acquire(blocking=False):
            try:
                self._put(bucket, key, body, metadata)
                return
            except (ClientError, BotoCoreError) as error:
                reason = type(error).__name__
            finally:
                self._turns.release()
        self._keep(bucket, key, body, metadata, reason)

    def _keep(self, bucket: str, key: str, body: BinaryIO, metadata: dict[str, str], reason: str) -> None:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4()}"
        body.seek(0)
        with (self._spool / f"{name}.wav").open("wb") as file:
            shutil.copyfileobj(body, file)
        about = json.dumps({"bucket": bucket, "key": key, "metadata": metadata})
        written = self._spool / f"{name}.part"
        written.write_text(about, encoding="utf-8")
        written.rename(self._spool / f"{name}.json")
        _log.warning("a recording waits until S3 takes it", extra={"reason": reason, "file": name})

    @property
    def waiting(self) -> int:
        """Recordings in the spool."""
        return sum(1 for _ in self._spool.glob("*.json"))

    def send_spooled(self) -> None:
        """Send what waits, the oldest first: until S3 does not answer. What it refuses does not hold up the rest."""
        with self._sending:
            for about in sorted(self._spool.glob("*.json")):
                given, wav = json.loads(about.read_text(encoding="utf-8")), about.with_suffix(".wav")
                try:
                    with wav.open("rb") as body:
                        self._put(given["bucket"], given["key"], body, given["metadata"])
                except (ClientError, BotoCoreError) as error:
                    _log.warning("a recording still waits", extra={"error": type(error).__name__, "file": about.stem})
                    if _is_of_this_one(error):
                        continue
                    return
                about.unlink()
                wav.unlink()

    def _put(self, bucket: str, key: str, body: BinaryIO, metadata: dict[str, str]) -> None:
        self._client.put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata, ContentType="audio/wav")
        try:
            self._stored(bucket, key)
        except (ClientError, BotoCoreError) as error:  # it is stored; what is left over expires
            _log.warning("the parts of a stored recording stay", extra={"error": type(error).__name__})


def _is_whole(about: Path) -> bool:
    """Whether this file says where a recording goes."""
    try:
        said = json.loads(about.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return isinstance(said, dict) and said.keys() >= {"bucket", "key", "metadata"}


def _is_of_this_one(error: ClientError | BotoCoreError) -> bool:
    """Whether S3 refuses one request, and may take others."""
    response = error.response if isinstance(error, ClientError) else {}
    return 400 <= response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500
