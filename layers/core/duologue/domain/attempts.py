"""How often a request may be repeated, and a proof be wrong.

* A digest is good while its time is within 5 minutes of the platform's clock, before or after, and its nonce once.
* A nonce is remembered until its digest can no longer be good by any reading of its time. A time that can be UTC or
  UTC+8 is good twice, eight hours apart: what was heard at the first must not be played at the second.
* 10 wrong proofs for one app from one address within 5 minutes lock this way of proving, for this app from this
  address, for 30 minutes; then it opens by itself. What is tried meanwhile neither counts nor prolongs it.

A lock is of one address, since an app's key is no secret: else whoever knows it could lock out the app's own servers.
It is of one kind: digests, passwords, or secrets at refreshing. Tokens know no lock: nobody guesses 381 random bits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from duologue.domain.errors import AuthenticationLocked, RequestStale

CLOCK_TOLERANCE = timedelta(minutes=5)
MOST_FAILURES = 10
FAILURE_WINDOW = timedelta(minutes=5)
LOCKED_FOR = timedelta(minutes=30)


class Proof(StrEnum):
    """What can be wrong so often that it is locked."""

    DIGEST = "digest"
    PASSWORD = "password"
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whose attempts are counted together. `source` is the address that they come from, as the API saw it."""

    app_key: str
    proof: Proof
    source: str


@dataclass(frozen=True, slots=True)
class Failures:
    """The recent wrong attempts of one kind, oldest first. `version` is the condition of the next write."""

    at: tuple[datetime, ...] = ()
    locked_until: datetime | None = None
    version: int = 0

    def check(self, now: datetime) -> None:
        """Raises AuthenticationLocked."""
        if self.locked_until is not None and now < self.locked_until:
            raise AuthenticationLocked(f"until {self.locked_until:%H:%M:%S} UTC", self.locked_until - now)

    def count(self, now: datetime) -> "Failures":
        """With one more; the tenth locks. Raises AuthenticationLocked: it is locked, so nothing is counted."""
        self.check(now)
        recent = (*(at for at in self.at if now - at < FAILURE_WINDOW), now)
        if len(recent) < MOST_FAILURES:
            return replace(self, at=recent, locked_until=None)
        return replace(self, at=(), locked_until=now + LOCKED_FOR)

    @property
    def ends_at(self) -> datetime | None:
        """When nothing of it matters any more; None: nothing does."""
        return self.locked_until or (self.at[-1] + FAILURE_WINDOW if self.at else None)


def check_time(created: Iterable[datetime], now: datetime) -> None:
    """Raises RequestStale: no reading of the time is within the margin of `now`."""
    if not any(abs(now - moment) <= CLOCK_TOLERANCE for moment in created):
        raise RequestStale(f"Created is not within {CLOCK_TOLERANCE.seconds // 60} minutes of now")


def nonce_needed_until(created: Iterable[datetime]) -> datetime:
    """Until when a nonce must be remembered: a little longer than its digest can be good."""
    return max(created) + 2 * CLOCK_TOLERANCE
