"""What an SP may ask of one callback, once its request has been read and every default applied."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from duologue.domain.call import NotifyTo
from duologue.domain.phone_number import PhoneNumber

LONGEST_TALK = timedelta(minutes=1440)
"""The platform's cap; a request that names no limit gets it (R3)."""


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


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """Every display number in it is the app's own."""

    caller: PhoneNumber
    callee: PhoneNumber
    caller_sees: PhoneNumber
    callee_sees: PhoneNumber
    bind_number: PhoneNumber
    longest_talk: timedelta = LONGEST_TALK
    notify: NotifyTo = field(default_factory=NotifyTo)
    user_data: str | None = None
    wants_record: bool = False
    wants_party_type: bool = False
    wants_idle_ports: bool = False
    wants_prompt_before_callee: bool = False
    audio: Audio = Audio()
