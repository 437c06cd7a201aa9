"""The tokens of one app: which are good, which go when another comes, and how often an app may log in.

A log-in gives a pair: an access token for every request, and a refresh token that buys the next pair. The platform
keeps only hashes of them, all of one app's together, so that one conditional write decides between two log-ins at once.

* An access token is good for 48 h. Its refresh token is good for 96 h, since clients refresh when told "expired".
* At most 10 pairs of an app are current, since an SP has several servers. The oldest goes first.
* A refresh replaces a pair. What it replaced is good for 60 s more, for requests in flight and for a client that lost
  the answer and asks again. Such a repeat replaces the pair that was made before it, in the same way: however often it
  comes, it takes one place, and no other server's. After the 60 s the refresh token is spent.
* At most 5 log-ins within 60 s. Only right ones count: an app's key is no secret, and who knows no more of an app must
  not be able to keep it from logging in. Wrong ones count against the address that they come from (`domain.attempts`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from duologue.domain.errors import InvalidToken, TokenExpired, TooManyLogIns
from duologue.domain.random_text import random_text

ACCESS_LIFE = timedelta(hours=48)
REFRESH_LIFE = timedelta(hours=96)
OVERLAP = timedelta(seconds=60)
MOST_PAIRS = 10
_MOST_REPLACED = 2 * MOST_PAIRS
"""Each of ten servers refreshes at the same moment and repeats it."""
MOST_LOG_INS = 5
LOG_IN_WINDOW = timedelta(seconds=60)

_TOKEN_LENGTH = 64
"""About 381 random bits, and well below the 180 characters that the shortest store of a client takes."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """Two tokens in clear: they exist only in the answer to the app that they are for."""

    access: str
    refresh: str
    good_for: timedelta = ACCESS_LIFE


@dataclass(frozen=True, slots=True)
class Grant:
    """What is kept of a pair. The times are the first moment at which each token is no longer good."""

    access_hash: str
    refresh_hash: str
    access_ends_at: datetime
    refresh_ends_at: datetime
    replaced: bool = False
    instead_of: str = ""
    """The hash of the refresh token that bought it; empty: a log-in did."""


@dataclass(frozen=True, slots=True)
class Register:
    """All grants and recent log-ins of one app, oldest first. `version` is the condition of the next write."""

    grants: tuple[Grant, ...] = ()
    log_ins: tuple[datetime, ...] = ()
    version: int = 0

    def check_access(self, token: str, now: datetime) -> None:
        """Raises InvalidToken; TokenExpired if the token was good once and is still remembered."""
        hashed = hash_token(token)
        self._check(next((grant.access_ends_at for grant in self.grants if grant.access_hash == hashed), None), now)

    def log_in(self, now: datetime) -> "Register":
        """Count a log-in.

        Raises:
            TooManyLogIns: five were counted within the last 60 s. This one is not counted.
        """
        recent = tuple(at for at in self.log_ins if now - at < LOG_IN_WINDOW)
        if len(recent) >= MOST_LOG_INS:
            again_after = recent[-MOST_LOG_INS] + LOG_IN_WINDOW - now
            raise TooManyLogIns(f"more than {MOST_LOG_INS} log-ins within {LOG_IN_WINDOW.seconds} s", again_after)
        return replace(self, log_ins=(*recent, now))

    def grant(self, pair: TokenPair, now: datetime, instead_of: str = "") -> "Register":
        """Add a pair. The oldest current ones beyond ten are gone at once."""
        hashes = hash_token(pair.access), hash_token(pair.refresh)
        new = Grant(*hashes, now + ACCESS_LIFE, now + REFRESH_LIFE, instead_of=instead_of)
        kept = [grant for grant in self.grants if now < grant.refresh_ends_at]
        # What a refresh replaced is in its last minute, so it takes no place; it is bounded all the same.
        replaced = [grant for grant in kept if grant.replaced][-_MOST_REPLACED:]
        current = [*(grant for grant in kept if not grant.replaced), new][-MOST_PAIRS:]
        return replace(self, grants=tuple(grant for grant in (*kept, new) if grant in replaced or grant in current))

    def refresh(self, token: str, pair: TokenPair, now: datetime) -> "Register":
        """Replace the pair of this refresh token by `pair`.

        Raises:
            InvalidToken: it is unknown, or spent; TokenExpired: its time is over.
        """
        hashed = hash_token(token)
        old = next((grant for grant in self.grants if grant.refresh_hash == hashed), None)
        self._check(old.refresh_ends_at if old else None, now)
        bought = [grant for grant in self.grants if grant.instead_of == hashed]
        gone = [grant for grant in bought if grant.replaced]  # by an earlier repeat
        kept = [grant for grant in self.grants if grant not in gone]
        ended = tuple(_replaced(grant, now) if grant is old or grant in bought else grant for grant in kept)
        return replace(self, grants=ended).grant(pair, now, instead_of=hashed)

    def log_out(self, token: str, now: datetime) -> "Register":
        """End the pair of this access token at once. Raises InvalidToken; TokenExpired."""
        self.check_access(token, now)
        hashed = hash_token(token)
        return replace(self, grants=tuple(grant for grant in self.grants if grant.access_hash != hashed))

    def end_all(self) -> "Register":
        """End every pair at once. How often the app logged in stays known."""
        return replace(self, grants=())

    @staticmethod
    def _check(ends_at: datetime | None, now: datetime) -> None:
        if ends_at is None:
            raise InvalidToken("unknown")
        if now >= ends_at:
            raise TokenExpired("expired")


def new_pair(random_bytes: Callable[[int], bytes]) -> TokenPair:
    return TokenPair(random_text(_TOKEN_LENGTH, random_bytes), random_text(_TOKEN_LENGTH, random_bytes))


def hash_token(token: str) -> str:
    """What is kept of a token. Fast and unsalted is enough: nobody guesses 381 random bits."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _replaced(grant: Grant, now: datetime) -> Grant:
    """End a grant after the overlap; one that was replaced before keeps its end, so repeats do not prolong it."""
    end = now + OVERLAP
    return replace(
        grant,
        access_ends_at=min(grant.access_ends_at, end),
        refresh_ends_at=min(grant.refresh_ends_at, end),
        replaced=True,
    )
