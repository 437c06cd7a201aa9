"""One leg: one party's side of a call, from its dial to its end."""

from dataclasses import dataclass
from datetime import datetime

from duologue.domain.calls.outcome import Outcome, Party
from duologue.domain.numbers.phone_number import PhoneNumber


@dataclass(frozen=True, slots=True)
class Leg:
    """Times are aware UTC, and absent until the network has reported them (R14)."""

    party: Party
    number: PhoneNumber
    display_number: PhoneNumber
    """The number shown on this party's phone."""
    network_id: str | None = None
    """The carrier's id of this leg; None until the network has reported it."""
    dialled_at: datetime | None = None
    alerting_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None

    @property
    def is_up(self) -> bool:
        """Answered and not ended: it is billed, and somebody listens."""
        return self.answered_at is not None and self.ended_at is None

    @property
    def refusal(self) -> str | None:
        """As of its outcome."""
        return None if self.outcome is None else self.outcome.refusal

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None
