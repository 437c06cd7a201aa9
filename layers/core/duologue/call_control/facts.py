"""Facts: what happened to a call. Recorded in one transaction with it, and notified to the SP later, in order."""

from dataclasses import dataclass
from datetime import datetime

from duologue.domain.calls.outcome import EndReason, Party


@dataclass(frozen=True, slots=True)
class CallAccepted:
    """The platform accepted the request. Not notified: the response to the request said so."""

    at: datetime


@dataclass(frozen=True, slots=True)
class InboundCallRecorded:
    """Somebody called a display number. The first fact of such a call."""

    at: datetime


@dataclass(frozen=True, slots=True)
class LegDialledRecorded:
    """The network accepted this leg's dial; for the callee: it was requested (docs/decisions/0008)."""

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
    """No leg is up any more. The call has the rest: both legs, who hung up."""

    at: datetime
    reason: EndReason


@dataclass(frozen=True, slots=True)
class CdrWritten:
    """The CDR was written. Always the last fact of a call."""

    at: datetime


Step = InboundCallRecorded | LegDialledRecorded | LegRingingRecorded | LegAnsweredRecorded
"""A step of a call that goes on. Once it is over, its end and its CDR include all steps."""
Fact = (
    CallAccepted
    | InboundCallRecorded
    | LegDialledRecorded
    | LegRingingRecorded
    | LegAnsweredRecorded
    | CallEnded
    | CdrWritten
)
FACTS: dict[str, type[Fact]] = {
    kind.__name__: kind
    for kind in (
        CallAccepted,
        InboundCallRecorded,
        LegDialledRecorded,
        LegRingingRecorded,
        LegAnsweredRecorded,
        CallEnded,
        CdrWritten,
    )
}
