"""The tokens of one app: validity, replacement, and the rate of log-ins.

A log-in creates a pair: an access token for requests, and a refresh token for the next pair. Only hashes are stored,
all of one app together, so that one conditional write decides between concurrent log-ins.

* An access token is valid for 48 h. Its refresh token is valid for 96 h, since clients refresh on "expired".
* An app has at most 10 current pairs, since an SP has several servers. The oldest is dropped first.
* A refresh replaces a pair. The replaced pair stays valid for 60 s, for requests in flight and for a client that lost
  the response and repeats. A repeat replaces the pair created before it in the same way, so repeats take one place, and
  never another server's. After the 60 s the refresh token is used up.
* A log-out ends every pair that comes from the same log-in: also the pairs in their last 60 s, and those that someone
  else got with a copied refresh token (RFC 7009 §2.1).
* At most 5 log-ins within 60 s. Only successful ones count: an app's key is no secret, and knowing it must not be
  enough to prevent log-ins. Failed ones count against their source address (`domain.access.attempts`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from duologue.domain.access.random_text import random_text
from duologue.domain.errors import InvalidToken, TokenExpired, TooManyLogIns

ACCESS_LIFE = timedelta(hours=48)
REFRESH_LIFE = timedelta(hours=96)
OVERLAP = timedelta(seconds=60)
MOST_PAIRS = 10
_MOST_REPLACED = 2 * MOST_PAIRS
"""Ten servers refresh at the same moment, and each repeats it."""
MOST_LOG_INS = 5
LOG_IN_WINDOW = timedelta(seconds=60)

_TOKEN_LENGTH = 64
"""About 381 random bits, and well below the 180 characters that the most limited client stores."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """Two tokens in plain text; they exist only in the response to their app."""

    access: str
    refresh: str
    good_for: timedelta = ACCESS_LIFE


@dataclass(frozen=True, slots=True)
class Grant:
    """The stored part of a pair. Each `…_ends_at` is the first moment at which that token is no longer valid."""

    access_hash: str
    refresh_hash: str
    access_ends_at: datetime
    refresh_ends_at: datetime
    replaced: bool = False
    instead_of: str = ""
    """Hash of the refresh token used to create it; empty: created by a log-in."""
    chain: str = ""
    """Hash of the refresh token of the log-in that it comes from, directly or by refreshes."""


@dataclass(frozen=True, slots=True)
class Register:
    """All grants and recent log-ins of one app, oldest first. `version` is the condition of the next write."""

    grants: tuple[Grant, ...] = ()
    log_ins: tuple[datetime, ...] = ()
    version: int = 0

    def check_access(self, token: str, now: datetime) -> None:
        """Raises InvalidToken; TokenExpired if the token was valid and is still remembered."""
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

    def grant(self, pair: TokenPair, now: datetime, old: Grant | None = None) -> "Register":
        """Add a pair, and drop the oldest current ones beyond ten. `old`: the one whose refresh token created it."""
        access, refresh = hash_token(pair.access), hash_token(pair.refresh)
        instead_of, chain = (old.refresh_hash, old.chain) if old else ("", refresh)
        new = Grant(access, refresh, now + ACCESS_LIFE, now + REFRESH_LIFE, instead_of=instead_of, chain=chain)
        kept = [grant for grant in self.grants if now < grant.refresh_ends_at]
        # Replaced pairs are in their last minute and take no place, but their number is limited too.
        replaced = [grant for grant in kept if grant.replaced][-_MOST_REPLACED:]
        current = [*(grant for grant in kept if not grant.replaced), new][-MOST_PAIRS:]
        return replace(self, grants=tuple(grant for grant in (*kept, new) if grant in replaced or grant in current))

    def refresh(self, token: str, pair: TokenPair, now: datetime) -> "Register":
        """Replace the pair of this refresh token by `pair`.

        Raises:
            InvalidToken: unknown or used up. TokenExpired.
        """
        hashed = hash_token(token)
        old = next((grant for grant in self.grants if grant.refresh_hash == hashed), None)
        self._check(old.refresh_ends_at if old else None, now)
        assert old is not None  # checked
        bought = [grant for grant in self.grants if grant.instead_of == hashed]
        gone = [grant for grant in bought if grant.replaced]  # by an earlier repeat
        kept = [grant for grant in self.grants if grant not in gone]
        ended = tuple(_replaced(grant, now) if grant is old or grant in bought else grant for grant in kept)
        return replace(self, grants=ended).grant(pair, now, old)

    def log_out(self, token: str, now: datetime) -> "Register":
        """Revoke all pairs of this access token's log-in at once. Raises InvalidToken, TokenExpired."""
        self.check_access(token, now)
        hashed = hash_token(token)
        ended = {grant.chain for grant in self.grants if grant.access_hash == hashed}
        return replace(self, grants=tuple(grant for grant in self.grants if grant.chain not in ended))

    def end_all(self) -> "Register":
        """Revoke all pairs at once. The log-in counts stay."""
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
    """The stored hash of a token. Fast and unsalted is enough for 381 random bits."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _replaced(grant: Grant, now: datetime) -> Grant:
    """Expire a grant after the overlap; one replaced earlier keeps its end, so repeats do not extend it."""
    end = now + OVERLAP
    return replace(
        grant,
        access_ends_at=min(grant.access_ends_at, end),
        refresh_ends_at=min(grant.refresh_ends_at, end),
        replaced=True,
    )
