"""What an SP may ask of one callback, once its request has been read and every default applied."""

from dataclasses import dataclass, field
from datetime import timedelta

from duologue.domain.audio import Audio
from duologue.domain.call import NotifyTo
from duologue.domain.phone_number import PhoneNumber

LONGEST_TALK = timedelta(minutes=1440)
"""The platform's cap, and the most that a request may name; one that names none gets it (R3)."""


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """Every display number in it is the app's own."""

    caller: PhoneNumber
    callee: PhoneNumber
    caller_sees: PhoneNumber
    callee_sees: PhoneNumber
    bind_number: PhoneNumber
    longest_talk: timedelta | None = None
    """None: the SP set none. The platform's holds, and nobody is told that it comes near."""
    notify: NotifyTo = field(default_factory=NotifyTo)
    user_data: str | None = None
    wants_record: bool = False
    wants_party_type: bool = False
    wants_idle_ports: bool = False
    wants_prompt_before_callee: bool = False
    audio: Audio = Audio()
