"""A recording of a call, and a link by which an SP fetches it without any other proof."""

from dataclasses import dataclass
from datetime import datetime, timedelta

LINK_TOKEN_LENGTH = 43
"""Characters of a link's token: about 256 random bits."""

URL_GOOD_FOR = timedelta(minutes=15)
"""How long the storage's own URL is good, which a link leads to. Each use of the link makes a new one."""

_CALLS, _PUBLISHED = "calls/", "published/"


KEEP_DAYS = (1, 3, 7, 14, 30, 60, 90)
"""How long an app may have its recordings kept; each has a rule of the storage, in template.yaml."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was started. `key`: where the network puts its sound, in stereo, once the call is over."""

    key: str
    started_at: datetime
    deleted_at: datetime | None = None
    """When its SP had it deleted; a sound that comes later is deleted as it comes."""


def folder_of(app: str, call_id: str) -> str:
    """Where the network puts the sound of a call: a folder of its own, so that a file's place tells whose it is."""
    return f"{_CALLS}{app}/{call_id}"


def owner_of(key: str) -> tuple[str, str] | None:
    """The app and the call that the network's file at this place is of; None if it is no such place."""
    parts = key.removeprefix(_CALLS).split("/")
    return (parts[0], parts[1]) if key.startswith(_CALLS) and len(parts) > 2 else None


def published_key(app: str, call_id: str) -> str:
    """Where the sound is as SPs fetch it: A-law, 8 kHz, both parties in one channel."""
    return f"{_PUBLISHED}{app}/{call_id}.wav"


@dataclass(frozen=True, slots=True)
class Link:
    """What a token leads to: one sound of one app, until `ends_at`. Only the hash of its token is kept."""

    app: str
    key: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Owner:
    """The app whose recording is fetched by a link, as far as that needs to know it."""

    app: str
    stereo: bool
    """It fetches the network's own audio, the parties apart."""
