"""A request to place a callback, parsed and with all defaults applied."""

from dataclasses import dataclass, field
from datetime import timedelta

from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.memory_draft import DEFAULT_PERIOD
from duologue.domain.media.audio import Audio
from duologue.domain.numbers.phone_number import PhoneNumber

LONGEST_TALK = timedelta(minutes=1440)
"""The platform's maximum, also the maximum of a request and its default (R3)."""


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """All display numbers are the app's own. `bind_number`: what the callback is accounted to; it need not be one.

    `notify`: the URLs that the request names; None: the app's. `wants_memory`: the callee can return the call within
    `memory_period` of being dialled; `call_back_tone`: what the callee hears if it cannot be connected then.
    """

    caller: PhoneNumber
    callee: PhoneNumber
    caller_sees: PhoneNumber
    callee_sees: PhoneNumber
    bind_number: PhoneNumber
    longest_talk: timedelta | None = None
    """None: not set; the platform's maximum applies and is not announced."""
    notify: NotifyTo = field(default_factory=NotifyTo)
    user_data: str | None = None
    wants_record: bool = False
    wants_party_type: bool = False
    wants_prompt_before_callee: bool = False
    audio: Audio = Audio()
    wants_memory: bool = False
    memory_period: timedelta = DEFAULT_PERIOD
    call_back_tone: str | None = None


@dataclass(frozen=True, slots=True)
class FieldNames:
    """The format's names of fields that may be refused after parsing."""

    caller: str
    callee: str
    status_url: str
    fee_url: str
    display: str

    def of_urls(self, urls: NotifyTo) -> tuple[tuple[str, str], ...]:
        """Pairs of field name and URL, for the URLs that are set."""
        named = ((self.status_url, urls.status_url), (self.fee_url, urls.fee_url))
        return tuple((field, url) for field, url in named if url is not None)
