"""Replay protection, and the lock after wrong credentials.

* A digest is valid while its time is within 5 minutes of the platform's clock, before or after. A nonce is valid once.
* A nonce is remembered until its digest has expired by every reading of its time. A time that may be UTC or UTC+8 has
  two valid periods, eight hours apart; a request captured in the first must not be replayed in the second.
* 10 wrong credentials for one app from one address within 5 minutes lock this kind, for this app from this address,
  for 30 minutes. Attempts during the lock neither count nor extend it.
* Log-ins with unknown app keys are counted together, in the same way. Their lock is for unknown keys only: servers of
  existing apps may have the same address.

A lock is per address because an app's key is no secret: anyone who knows it could lock out the app's own servers. Of
IPv6 it is per /64, because a client can use any address of its own. It is per kind: digests, passwords, or secrets at
refresh. Tokens have no lock: they have 381 random bits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from duologue.domain.access.source_address import subscriber_of
from duologue.domain.errors import AuthenticationLocked, RequestStale

CLOCK_TOLERANCE = timedelta(minutes=5)
MOST_FAILURES = 10
FAILURE_WINDOW = timedelta(minutes=5)
LOCKED_FOR = timedelta(minutes=30)


class Proof(StrEnum):
    """The kinds of credentials that are locked separately."""

    DIGEST = "digest"
    PASSWORD = "password"
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Attempt:
    """The key under which attempts are counted. `app_key`: empty for all unknown ones.

    `source`: the client's address as the API received it; an IPv6 address is replaced by its /64.
    """

    app_key: str
    proof: Proof
    source: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", subscriber_of(self.source))


@dataclass(frozen=True, slots=True)
class Failures:
    """Recent failures under one key, oldest first. `version` is the condition of the next write."""

    at: tuple[datetime, ...] = ()
    locked_until: datetime | None = None
    version: int = 0

    def check(self, now: datetime) -> None:
        """Raises AuthenticationLocked."""
        if self.locked_until is not None and now < self.locked_until:
            raise AuthenticationLocked(f"until {self.locked_until:%H:%M:%S} UTC", self.locked_until - now)

    def count(self, now: datetime) -> "Failures":
        """Add one failure; the tenth locks. Raises AuthenticationLocked: already locked, nothing is counted."""
        self.check(now)
        recent = (*(at for at in self.at if now - at < FAILURE_WINDOW), now)
        if len(recent) < MOST_FAILURES:
            return replace(self, at=recent, locked_until=None)
        return replace(self, at=(), locked_until=now + LOCKED_FOR)

    @property
    def counted(self) -> int:
        """How many count towards a lock, or have led to it."""
        return len(self.at) if self.locked_until is None else MOST_FAILURES

    @property
    def ends_at(self) -> datetime | None:
        """When this can be forgotten; None: at once."""
        return self.locked_until or (self.at[-1] + FAILURE_WINDOW if self.at else None)


def check_time(created: Iterable[datetime], now: datetime) -> None:
    """Raises RequestStale: no reading of the time is within the margin of `now`."""
    if not any(abs(now - moment) <= CLOCK_TOLERANCE for moment in created):
        raise RequestStale(f"Created is not within {CLOCK_TOLERANCE.seconds // 60} minutes of now")


def nonce_needed_until(created: Iterable[datetime]) -> datetime:
    """Until when to remember a nonce: somewhat longer than its digest can be valid."""
    return max(created) + 2 * CLOCK_TOLERANCE
