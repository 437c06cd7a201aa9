"""A recording of a call, and a link by which an SP fetches it without any other proof."""

from dataclasses import dataclass
from datetime import datetime, timedelta

LINK_TOKEN_LENGTH = 43
"""Characters of a link's token: about 256 random bits."""

URL_GOOD_FOR = timedelta(minutes=15)
"""How long the storage's own URL is good, which a link leads to. Each use of the link makes a new one."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was started: `key` is the place of its sound in the recordings' storage, once that has come."""

    key: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """What a token leads to: one sound of one app, until `ends_at`. Only the hash of its token is kept."""

    app: str
    key: str
    ends_at: datetime
