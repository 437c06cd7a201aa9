"""How a call ended, in the SP's codes: one row per case, with the reason for the choice.

A row is for an end reason, or for a failed leg (a party and its result).

* state code: in the `disconnect` event. Texts: `STATES`.
* release point: the CDR's `ulFailReason`. 100 nothing dialled · 514 ring time-out · 516 ended by the platform ·
  517 no event from the network · 518 the far end failed, see its cause · 522 no ports · 530 the caller hung up first.
* cause: the CDR's `…UnaswRsn` (Q.850) of the failed leg, or of every leg that the platform disconnected. Of a return
  call, the caller's is 0: the platform did not dial that leg.
* SIP status: the network's; else the row's; else 0.
"""

from dataclasses import dataclass, replace

from duologue.domain.accounting.cdr import Cdr
from duologue.domain.calls.call import Origin
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result

STATES = {
    0: "The call was answered and has ended.",
    7002: "The app has reached a limit of its calls of a day.",
    7004: "The called number is on a list of numbers that are not called.",
    7109: "No voice port was free for the call.",
    8000: "Internal error: the call was not started.",
    8009: "The caller hung up before the called party answered.",
    8019: "Nobody is remembered who could be called back.",
    8010: "The longest duration of the call was reached.",
    8017: "The call was ended on the instruction of the SP or the operator.",
    8020: "Service exception: the end of the call was not seen.",
    8100: "The called number does not exist.",
    8101: "The called party did not answer.",
    8102: "The called party was busy.",
    8103: "The called party could not be reached.",
    8106: "The caller's number does not exist.",
    8107: "The caller did not answer.",
    8108: "The caller was busy.",
    8109: "The caller could not be reached.",
}


@dataclass(frozen=True, slots=True)
class EndingRow:
    """One case. `cause` None: derived from the SIP status by RFC 3398."""

    state: int
    release: int
    cause: int | None
    why: str
    sip: int = 0


ENDS = {
    EndReason.HUNG_UP: EndingRow(0, 0, 0, "both had answered: a normal end, whoever hung up"),
    EndReason.CALLER_LEFT: EndingRow(8009, 530, 0, "the caller hung up: no leg failed"),
    EndReason.STOPPED: EndingRow(
        8017, 516, 16, "we disconnected what was dialled, for the SP or the operator: normal clearing"
    ),
    EndReason.LONGEST_CALL: EndingRow(8010, 516, 16, "we disconnected both, as requested: normal clearing"),
    EndReason.NO_ROOM: EndingRow(
        7109,
        522,
        0,
        "the network had no capacity for 30 s, or a return call found the app's limit of calls, or of return calls, "
        "reached; nothing was dialled",
    ),
    EndReason.DIAL_REFUSED: EndingRow(8000, 100, 0, "the network refused the dial for good; nothing was dialled"),
    EndReason.NEVER_STARTED: EndingRow(8000, 100, 0, "our fault, and nothing was dialled: the SP may retry"),
    EndReason.NOBODY_REMEMBERED: EndingRow(8019, 8019, 0, "a call to a display number, for which nobody was rung"),
    EndReason.CEILING_REACHED: EndingRow(
        7002, 7002, 0, "a return call: a limit of the app's calls of a day is reached; nobody was rung"
    ),
    EndReason.CALLEE_DENIED: EndingRow(
        7004, 7004, 0, "a return call: its callee is on a deny list or on the do-not-call list; nobody was rung"
    ),
    EndReason.LOST: EndingRow(
        8020,
        517,
        0,
        "its end was not reported, or we lost track of it and ended it; not both had answered, so no talk to bill",
    ),
    EndReason.CALLER_SILENT: EndingRow(8107, 514, 19, "the network never reported what happened to the leg: no answer"),
    EndReason.CALLEE_SILENT: EndingRow(8101, 514, 19, "the network never reported what happened to the leg: no answer"),
}
LOST_IN_TALK = EndingRow(
    0, 517, 0, "both had answered, so the talk is billed; 517 says that its end was not reported in time"
)

FAILURES = {
    (Party.CALLER, Result.BUSY): EndingRow(8108, 518, 17, "user busy", sip=486),
    (Party.CALLER, Result.NO_ANSWER): EndingRow(8107, 514, 19, "the network's ring limit passed", sip=480),
    (Party.CALLER, Result.CANCELLED): EndingRow(8107, 514, 19, "the network cancelled the dial: its ring limit passed"),
    (Party.CALLER, Result.REJECTED): EndingRow(
        8109, 518, 21, "declined: unreachable is nearest, the cause identifies it", sip=603
    ),
    (Party.CALLER, Result.INVALID_NUMBER): EndingRow(8106, 518, 1, "no such number", sip=404),
    (Party.CALLER, Result.UNREACHABLE): EndingRow(8109, 518, None, "failed, with no further detail"),
    (Party.CALLER, Result.COMPLETED): EndingRow(8109, 518, 0, "answered, then failed before it was recorded"),
    (Party.CALLEE, Result.BUSY): EndingRow(8102, 518, 17, "user busy"),
    (Party.CALLEE, Result.NO_ANSWER): EndingRow(8101, 514, 19, "our time-out passed, or the network reported it"),
    (Party.CALLEE, Result.CANCELLED): EndingRow(
        8101, 514, 19, "nobody hung up and the dial was cancelled: the time-out"
    ),
    (Party.CALLEE, Result.REJECTED): EndingRow(
        8103, 518, 21, "declined: unreachable is nearest, the cause identifies it"
    ),
    (Party.CALLEE, Result.INVALID_NUMBER): EndingRow(8100, 518, 1, "no such number"),
    (Party.CALLEE, Result.UNREACHABLE): EndingRow(
        8103, 518, None, "failed before the time-out, with no further detail"
    ),
    (Party.CALLEE, Result.COMPLETED): EndingRow(8103, 518, 0, "answered, then failed before it was recorded"),
}
"""A callee's row has no SIP status: a failed bridge has one only if the network adds it (R14)."""

_FAILED = {EndReason.CALLER_FAILED: Party.CALLER, EndReason.CALLEE_FAILED: Party.CALLEE}
_SILENT = {EndReason.CALLER_SILENT: Party.CALLER, EndReason.CALLEE_SILENT: Party.CALLEE}

# RFC 3398 §8.2.6.1, for statuses without a row; any other is 127, interworking.
_CAUSES = {400: 41, 401: 21, 402: 21, 405: 63, 406: 79, 407: 21, 415: 79, 482: 25, 483: 25}
_CAUSES |= {500: 41, 501: 79, 502: 38, 503: 41, 504: 102}


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of one call's end."""

    state: int
    release: int
    sip: int
    caller_cause: int
    callee_cause: int

    @property
    def text(self) -> str:
        return STATES[self.state]


def codes_of(cdr: Cdr) -> Codes:
    """The codes of a finished call. Total: there is a row for every reason and pair of legs."""
    codes = _codes_of(cdr)
    return replace(codes, caller_cause=0) if cdr.origin is Origin.RETURN_CALL else codes


def _codes_of(cdr: Cdr) -> Codes:
    if cdr.reason in _FAILED:
        return _of_leg(_FAILED[cdr.reason], cdr)
    row = ENDS[cdr.reason]
    if cdr.reason is EndReason.LOST and cdr.callee.answered_at is not None:
        row = LOST_IN_TALK
    cause = row.cause or 0
    if cdr.reason in _SILENT:
        return _codes(row, row.sip, _SILENT[cdr.reason], cause)
    cut = {party: cause if leg.dialled_at is not None else 0 for party, leg in _legs(cdr).items()}
    return Codes(row.state, row.release, row.sip, cut[Party.CALLER], cut[Party.CALLEE])


def _of_leg(party: Party, cdr: Cdr) -> Codes:
    outcome = _legs(cdr)[party].outcome or Outcome(Result.UNREACHABLE)
    row = FAILURES[party, outcome.result]
    cause = _cause(outcome.sip_status) if row.cause is None else row.cause
    return _codes(row, outcome.sip_status or row.sip, party, cause)


def _codes(row: EndingRow, sip: int, party: Party, cause: int) -> Codes:
    caller, callee = (cause, 0) if party is Party.CALLER else (0, cause)
    return Codes(row.state, row.release, sip, caller, callee)


def _cause(sip_status: int) -> int:
    return _CAUSES.get(sip_status, 127) if sip_status else 0


def _legs(cdr: Cdr) -> dict[Party, Leg]:
    return {Party.CALLER: cdr.caller, Party.CALLEE: cdr.callee}
