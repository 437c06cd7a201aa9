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
    wants_prompt_before_callee: bool = False
    audio: Audio = Audio()


@dataclass(frozen=True, slots=True)
class FieldNames:
    """What an SP calls the parts of a request that may be refused after it was read."""

    caller: str
    callee: str
    status_url: str
    fee_url: str

    def of_urls(self, urls: NotifyTo) -> tuple[tuple[str, str], ...]:
        """The URLs that are named, each after the name of its field."""
        named = ((self.status_url, urls.status_url), (self.fee_url, urls.fee_url))
        return tuple((field, url) for field, url in named if url is not None)
