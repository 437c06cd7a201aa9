"""How a leg ended and why a call ended. Neither is an error."""

from dataclasses import dataclass
from enum import StrEnum


class Party(StrEnum):
    """The two parties of a callback, in the order in which they are called."""

    CALLER = "caller"
    CALLEE = "callee"

    @property
    def peer(self) -> "Party":
        return Party.CALLEE if self is Party.CALLER else Party.CALLER


class Result(StrEnum):
    """How one leg ended."""

    COMPLETED = "completed"  # it was answered, and later it ended
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"
    CANCELLED = "cancelled"  # we, or the other party, gave up before it was answered


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one leg ended: the result and the network's SIP status (0: none)."""

    result: Result
    sip_status: int = 0

    @property
    def refusal(self) -> str | None:
        """A code, if not the far end but the trunk refused the leg: our credentials, or what they allow."""
        return _REFUSALS.get(self.sip_status)


class EndReason(StrEnum):
    """Why a call ended. The first reason recorded counts."""

    HUNG_UP = "hung_up"  # after both had answered
    CALLER_FAILED = "caller_failed"  # the network ended the caller's leg before an answer
    CALLER_SILENT = "caller_silent"  # the network never reported what happened to the caller's leg
    CALLEE_FAILED = "callee_failed"
    CALLEE_SILENT = "callee_silent"
    CALLER_LEFT = "caller_left"  # the caller hung up before the callee answered
    STOPPED = "stopped"  # by the SP
    LONGEST_CALL = "longest_call"
    NO_ROOM = "no_room"  # the network had no capacity for the dial; nothing was dialled
    DIAL_REFUSED = "dial_refused"  # the network refused the dial for good; nothing was dialled
    NEVER_STARTED = "never_started"  # accepted, but its flow never started; nothing was dialled
    NOBODY_REMEMBERED = "nobody_remembered"  # a call to a display number that need not be connected to anybody
    CALLEE_DENIED = "callee_denied"  # of a return call: its callee may not be dialled (deny_list.py)
    CEILING_REACHED = "ceiling_reached"  # of a return call: the app may place no more calls today
    LOST = "lost"  # the network never reported the end, or the flow lost track of the call and ended it


# RFC 3261 unless stated otherwise. Any other status is UNREACHABLE.
_RESULTS = {
    403: Result.REJECTED,  # §21.4.4 forbidden
    404: Result.INVALID_NUMBER,  # §21.4.5 not found
    408: Result.NO_ANSWER,  # §21.4.9 request timeout
    410: Result.INVALID_NUMBER,  # §21.4.11 gone
    480: Result.NO_ANSWER,  # §21.4.18 temporarily unavailable; the network's code for "nobody answered"
    484: Result.INVALID_NUMBER,  # §21.4.22 address incomplete
    486: Result.BUSY,  # §21.4.24 busy here
    487: Result.CANCELLED,  # §21.4.25 request terminated
    600: Result.BUSY,  # §21.6.1 busy everywhere
    603: Result.REJECTED,  # §21.6.2 decline
    604: Result.INVALID_NUMBER,  # §21.6.3 does not exist anywhere
    607: Result.REJECTED,  # RFC 8197 §4 unwanted
    608: Result.REJECTED,  # RFC 8688 §3 rejected by an intermediary
}


# RFC 3261 §21.4.2, §21.4.4, §21.4.8. A far end that declines says 603, or 480.
_REFUSALS = {401: "CredentialsRefused", 403: "Forbidden", 407: "CredentialsRefused"}


def outcome_of(sip_status: int) -> Outcome:
    """The outcome of a leg that was never answered, by its SIP status (0: the network gave none)."""
    return Outcome(_RESULTS.get(sip_status, Result.UNREACHABLE), sip_status)
