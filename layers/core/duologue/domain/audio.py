"""What an SP asks to be played, to whom."""

from dataclasses import dataclass
from enum import StrEnum


class Listeners(StrEnum):
    """Who hears that the last minute has begun."""

    CALLER = "caller"
    CALLEE = "callee"
    BOTH = "both"


class EarlyMedia(StrEnum):
    """Which sounds of the callee's network the caller hears before the answer."""

    ALL = "all"
    NONE = "none"
    FAILURES = "failures"


@dataclass(frozen=True, slots=True)
class Audio:
    """The recorded prompts and sounds that a request names. None: the platform's own prompt, or none."""

    before_callee: str | None = None
    while_callee_rings: str | None = None
    last_minute: str | None = None
    last_minute_to: Listeners = Listeners.BOTH
    recording_notice: str | None = None
    early_media: EarlyMedia = EarlyMedia.ALL
