"""Recordings: the files, and the links to them."""

from datetime import timedelta
from typing import Protocol

from duologue.domain.media.byte_range import ByteRange
from duologue.domain.media.recording_link import Link, Owner


class Publisher(Protocol):
    """Converts recordings for SPs."""

    def publish(self, key: str, published_key: str, keep_days: int) -> None:
        """Convert the network's file at `key` into `published_key`, replacing an existing file.

        `keep_days`: one of KEEP_DAYS, after which both are deleted; 0: the platform's retention.
        """

    def remove(self, key: str) -> None:
        """Delete a file, if it exists."""


class Recordings(Protocol):
    """The storage of recordings."""

    def size(self, key: str) -> int | None:
        """In bytes. None: there is no such file."""

    def read(self, key: str, part: ByteRange) -> bytes:
        """Raises UnknownLink: the file was deleted meanwhile."""

    def url(self, key: str, good_for: timedelta, *, is_head: bool = False) -> str:
        """A presigned URL for GET, or for HEAD, valid for `good_for` or until the platform's own credentials expire."""

    def remove(self, key: str) -> None:
        """Delete a file, if it exists."""


class RecordingEraser(Protocol):
    """Erases recordings for good."""

    def erase(self, key: str) -> None:
        """Delete a file in all its versions, if the bucket keeps any."""


class Links(Protocol):
    """Links to recordings, by the hash of their token."""

    def keep(self, token_hash: str, link: Link) -> None: ...

    def find(self, token_hash: str) -> Link:
        """Raises UnknownLink."""


class Owners(Protocol):
    """The owners of recordings fetched by a link."""

    def owner(self, app_key: str) -> Owner:
        """Raises UnknownApp; AccountInactive: the app or its SP is suspended."""


class LinkTokens(Protocol):
    """The tokens of links in CDRs, derived from the call: not stored, and always the same."""

    def token_of(self, app: str, call_id: str) -> str: ...
    def proves(self, token: str, app: str, call_id: str) -> bool: ...
