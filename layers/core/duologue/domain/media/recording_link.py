"""The link by which an SP fetches a recording without other authentication, and what is served."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from duologue.domain.media.byte_range import ByteRange
from duologue.domain.media.recording import owner_of

LINK_TOKEN_LENGTH = 43
"""Length of a link's token: about 256 random bits."""

URL_GOOD_FOR = timedelta(minutes=15)
"""How long the storage's own URL is valid, to which a link to a large file redirects. Each use creates a new one."""

MOST_BYTES = 4_500_000
"""Maximum audio in one response: nine minutes of A-law. A Lambda response has at most 6 MB, and Base64 adds a third."""


@dataclass(frozen=True, slots=True)
class Link:
    """The target of a token: one recording of one app, until `ends_at`. Only the hash of the token is stored."""

    app: str
    key: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class AudioRequest:
    """How a link is followed. `asked`: the value of the Range header. `is_head`: only the headers are wanted."""

    asked: str | None = None
    is_head: bool = False


@dataclass(frozen=True, slots=True)
class AudioFile:
    """The bytes of a file of `size` bytes: `part` of it, or all of it (None)."""

    name: str
    size: int
    content: bytes = field(repr=False)
    part: ByteRange | None = None


@dataclass(frozen=True, slots=True)
class AudioElsewhere:
    """More than one response can have. The storage's own URL gives the file, or any part of it."""

    url: str


@dataclass(frozen=True, slots=True)
class AudioHasNoSuchPart:
    """The file has none of the bytes that were asked for."""

    size: int


ServedAudio = AudioFile | AudioElsewhere | AudioHasNoSuchPart


def call_of(key: str) -> str:
    """The id of the call whose audio this object is, in either form."""
    found = owner_of(key)
    return file_name(key).removesuffix(".wav") if found is None else found[1]


def file_name(key: str) -> str:
    """The name under which a download of this object is saved."""
    return key.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Owner:
    """The app whose recording is fetched by a link, as far as that needs to know it."""

    app: str
    stereo: bool
    """It fetches the network's own audio, the parties apart."""
