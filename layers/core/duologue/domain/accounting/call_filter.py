"""Which of its calls an SP wants to list."""

from dataclasses import dataclass
from datetime import datetime

from duologue.domain.calls.outcome import EndReason
from duologue.domain.numbers.phone_number import PhoneNumber


@dataclass(frozen=True, slots=True)
class CallFilter:
    """All that is given must hold. The fields are those of `usecases.ports.call_lists.CallsWanted`."""

    number: PhoneNumber | None = None
    open_only: bool = False
    since: datetime | None = None
    until: datetime | None = None
    ends: frozenset[EndReason] = frozenset()
    talked: bool | None = None
