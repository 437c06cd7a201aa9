"""The recordings' storage and the links to it, in memory."""

import hashlib
from datetime import timedelta

from duologue.domain.errors import OutsideUnavailable, UnknownLink
from duologue.domain.recording import Link
from duologue.wire.huawei.records import Records


class FakeRecordings:
    """Plays `Recordings`; put keys into `sounds`."""

    def __init__(self) -> None:
        self.sounds: set[str] = set()

    def holds(self, key: str) -> bool:
        return key in self.sounds

    def remove(self, key: str) -> None:
        self.sounds.discard(key)

    def url(self, key: str, good_for: timedelta) -> str:
        return f"https://storage.example.com/{key}?good_for={good_for.total_seconds():.0f}"


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


RECORDS = Records("recordings", "https://api.example.com", FakeLinkTokens().token_of)
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
