"""What happened to a call: recorded in one transaction with it, told to the SP later, in this order."""

from dataclasses import dataclass
from datetime import datetime

from duologue.domain.outcome import EndReason, Party


@dataclass(frozen=True, slots=True)
class CallAccepted:
    """The platform took the request. Not told to the SP: the answer to its request said so."""

    at: datetime


@dataclass(frozen=True, slots=True)
class LegDialledRecorded:
    """The network accepted this leg's dial; of the callee's: it was asked for it (docs/decisions/0008)."""

    at: datetime
    party: Party


@dataclass(frozen=True, slots=True)
class LegRingingRecorded:
    at: datetime
    party: Party


@dataclass(frozen=True, slots=True)
class LegAnsweredRecorded:
    at: datetime
    party: Party


@dataclass(frozen=True, slots=True)
class CallEnded:
    """No leg is up any more. The call's row holds the rest: both legs, who hung up."""

    at: datetime
    reason: EndReason


@dataclass(frozen=True, slots=True)
class CdrWritten:
    """The CDR is written. Always the last fact of a call."""

    at: datetime


LegFact = LegDialledRecorded | LegRingingRecorded | LegAnsweredRecorded
"""A step of one leg. Once the call is over, its end and its account tell of every step."""
Fact = CallAccepted | LegDialledRecorded | LegRingingRecorded | LegAnsweredRecorded | CallEnded | CdrWritten
FACTS: dict[str, type[Fact]] = {
    kind.__name__: kind
    for kind in (CallAccepted, LegDialledRecorded, LegRingingRecorded, LegAnsweredRecorded, CallEnded, CdrWritten)
}
