"""Recordings: the files, and the links to them."""

from datetime import timedelta
from typing import Protocol

from duologue.domain.recording import Link, Owner


class Publisher(Protocol):
    """Who makes a recording into the form that SPs fetch."""

    def publish(self, key: str, published_key: str, keep_days: int) -> None:
        """Make the file at `published_key` from the network's at `key`; what is there already is written again.

        `keep_days`: one of KEEP_DAYS, after which both are deleted; 0: the platform's own rule is enough.
        """

    def remove(self, key: str) -> None:
        """Delete a sound; one that is not there is fine."""


class Recordings(Protocol):
    """The storage of the recordings' sounds."""

    def holds(self, key: str) -> bool: ...

    def url(self, key: str, good_for: timedelta) -> str:
        """Where anybody may fetch a sound for this long, or for less if the platform's own credentials end before."""

    def remove(self, key: str) -> None:
        """Delete a sound; one that is not there is fine."""


class Links(Protocol):
    """The links to recordings, each under the hash of its token."""

    def keep(self, token_hash: str, link: Link) -> None: ...

    def find(self, token_hash: str) -> Link:
        """Raises UnknownLink."""


class Owners(Protocol):
    """Whose recordings are fetched by a link."""

    def owner(self, app_key: str) -> Owner:
        """Raises UnknownApp; AccountInactive: the app or its SP is suspended."""


class LinkTokens(Protocol):
    """The tokens of the links in CDRs. Each follows from its call: it is kept nowhere, and is always the same."""

    def token_of(self, app: str, call_id: str) -> str: ...
    def proves(self, token: str, app: str, call_id: str) -> bool: ...
