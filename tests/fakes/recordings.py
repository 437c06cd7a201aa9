"""The recordings' storage and the links to it, in memory."""

import hashlib
from datetime import timedelta

from duologue.domain.errors import OutsideUnavailable, UnknownLink
from duologue.domain.media.byte_range import ByteRange
from duologue.domain.media.recording_link import Link
from duologue.wire.huawei.records import Records


class FakeRecordings:
    """Plays `Recordings`; put files into `sounds`, by key."""

    def __init__(self) -> None:
        self.sounds: dict[str, bytes] = {}
        self.out_of_reach = False

    def size(self, key: str) -> int | None:
        if self.out_of_reach:
            raise OutsideUnavailable("the storage")
        return len(self.sounds[key]) if key in self.sounds else None

    def read(self, key: str, part: ByteRange) -> bytes:
        if key not in self.sounds:
            raise UnknownLink("deleted meanwhile")
        return self.sounds[key][part.first : part.last + 1]

    def remove(self, key: str) -> None:
        self.sounds.pop(key, None)

    def url(self, key: str, good_for: timedelta, *, is_head: bool = False) -> str:
        method = "HEAD" if is_head else "GET"
        return f"https://storage.example.com/{key}?good_for={good_for.total_seconds():.0f}&method={method}"


class FakeLinkTokens:
    """Plays `LinkTokens`."""

    def __init__(self) -> None:
        self.out_of_reach = False

    def token_of(self, app: str, call_id: str) -> str:
        if self.out_of_reach:
            raise OutsideUnavailable("the key service")
        return hashlib.sha256(f"{app} {call_id}".encode()).hexdigest()[:43]

    def proves(self, token: str, app: str, call_id: str) -> bool:
        return token == self.token_of(app, call_id)


RECORDS = Records("https://api.example.com", FakeLinkTokens().token_of)
"""What letters are written with."""


class FakeLinks:
    """Plays `Links`."""

    def __init__(self) -> None:
        self.links: dict[str, Link] = {}

    def keep(self, token_hash: str, link: Link) -> None:
        self.links[token_hash] = link

    def find(self, token_hash: str) -> Link:
        if token_hash not in self.links:
            raise UnknownLink("no such token")
        return self.links[token_hash]
