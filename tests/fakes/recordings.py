"""The recordings' storage and the links to it, in memory."""

from datetime import timedelta

from duologue.domain.errors import UnknownLink
from duologue.domain.recording import Link


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
