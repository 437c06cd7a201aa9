"""A call in plain words: how it stands or how it ended, for people who do not know the codes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from duologue.domain.accounting.cdr import talk_time
from duologue.domain.calls.call import Call, Phase
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import EndReason, Party, Result
from duologue.operator.sip_words import sip_words


class Meaning(StrEnum):
    """The four meanings of colours, which have the same names in the style sheet."""

    RINGS = "rings"
    TALKS = "talks"
    FAILED = "failed"
    WAITS = "waits"


ENDINGS = {
    EndReason.HUNG_UP: "talked, then hung up",
    EndReason.CALLER_FAILED: "the caller was not reached",
    EndReason.CALLER_SILENT: "nothing heard of the caller's phone",
    EndReason.CALLEE_FAILED: "the callee was not reached",
    EndReason.CALLEE_SILENT: "nothing heard of the callee's phone",
    EndReason.CALLER_LEFT: "the caller hung up early",
    EndReason.STOPPED: "stopped",
    EndReason.LONGEST_CALL: "reached the longest duration",
    EndReason.NO_ROOM: "no free line",
    EndReason.DIAL_REFUSED: "the network refused the dial",
    EndReason.NEVER_STARTED: "never started",
    EndReason.NOBODY_REMEMBERED: "nobody remembered to ring",
    EndReason.CALLEE_DENIED: "the number may not be dialled",
    EndReason.CEILING_REACHED: "the app's limit of the day",
    EndReason.LOST: "the end was not reported",
}
"""Each reason, as one of a list."""

_PHASES = {
    Phase.ACCEPTED: "accepted",
    Phase.RINGING_CALLER: "ringing the caller",
    Phase.CALLER_WAITING: "caller waiting",
    Phase.RINGING_CALLEE: "ringing the callee",
    Phase.TALKING: "talking",
    Phase.ENDING: "ending",
}
_PARTIES = {EndReason.CALLER_FAILED: Party.CALLER, EndReason.CALLEE_FAILED: Party.CALLEE}
_SHORT = {
    Result.BUSY: "busy",
    Result.NO_ANSWER: "did not answer",
    Result.CANCELLED: "did not answer",
    Result.REJECTED: "declined",
    Result.INVALID_NUMBER: "has no such number",
    Result.UNREACHABLE: "could not be reached",
    Result.COMPLETED: "was lost at the answer",
}


def meaning(call: Call) -> Meaning:
    match call.phase:
        case Phase.ACCEPTED | Phase.CALLER_WAITING | Phase.ENDING:
            return Meaning.WAITS
        case Phase.RINGING_CALLER | Phase.RINGING_CALLEE:
            return Meaning.RINGS
        case Phase.TALKING:
            return Meaning.TALKS
    return Meaning.TALKS if _both_answered(call) else Meaning.FAILED


def short(call: Call) -> str:
    """A few words for a row of a list."""
    if call.phase is not Phase.OVER:
        return _PHASES[call.phase]
    assert call.ending is not None, "a call that is over has a reason"
    party = _PARTIES.get(call.ending)
    if party is not None:
        outcome = call.leg(party).outcome
        if outcome is not None and outcome.refusal:
            return f"the trunk refused the {party}'s leg"
        return f"{party} {_SHORT[outcome.result if outcome else Result.UNREACHABLE]}"
    if call.ending is EndReason.HUNG_UP:
        return "talked"
    if call.ending is EndReason.STOPPED and _both_answered(call):
        return "talked, then stopped"
    return ENDINGS[call.ending]


def sentence(call: Call, now: datetime) -> str:
    """One or two sentences on how the call stands at `now`, or on why it ended."""
    if call.phase is Phase.OVER or call.phase is Phase.ENDING:
        assert call.ending is not None, "a call that ends has a reason"
        text = _ENDED[call.ending](call)
        return text if call.phase is Phase.OVER else f"{text} The call is ending."
    return _standing(call, now)


def length(time: timedelta) -> str:
    """Such as 7 s, 3 min 12 s, 1 h 4 min; nothing below a second."""
    seconds = max(0, round(time.total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    return f"{seconds} s"


def talk_of(call: Call, now: datetime) -> timedelta:
    """The talk so far; zero before the callee has answered."""
    if not _both_answered(call):
        return timedelta(0)
    if call.ended_at is not None and call.caller.ended_at is not None and call.callee.ended_at is not None:
        return talk_time(call.caller, call.callee)
    begun = max(call.caller.answered_at or now, call.callee.answered_at or now)
    return max(timedelta(0), min(call.caller.ended_at or now, call.callee.ended_at or now) - begun)


def _both_answered(call: Call) -> bool:
    return call.caller.answered_at is not None and call.callee.answered_at is not None


def _standing(call: Call, now: datetime) -> str:
    match call.phase:
        case Phase.ACCEPTED:
            return f"Accepted {length(now - call.accepted_at)} ago; no phone rings yet."
        case Phase.RINGING_CALLER:
            return f"The caller is being called, for {_since(call.caller.dialled_at, now)}."
        case Phase.CALLER_WAITING:
            return f"The caller has answered and waits, for {_since(call.caller.answered_at, now)}."
        case Phase.RINGING_CALLEE:
            who = "The caller waits; the" if not call.is_return_call else "The"
            return f"{who} callee is being called, for {_since(call.callee.dialled_at, now)}."
    return f"They have been talking for {length(talk_of(call, now))}."


def _since(at: datetime | None, now: datetime) -> str:
    return length(now - at) if at is not None else "a moment"


def _called(leg: Leg) -> str:
    """For how long it was called: that it rang, the network need not have reported."""
    begun, ended = leg.dialled_at, leg.answered_at or leg.ended_at
    return f" within {length(ended - begun)}" if begun is not None and ended is not None else ""


def _talked(call: Call) -> str:
    if not _both_answered(call):
        return "They did not talk"
    return f"They talked for {length(talk_of(call, call.ending_at or call.accepted_at))}"


def _hung_up(call: Call) -> str:
    end = f"until the {call.ended_by} hung up" if call.ended_by else "until the call ended"
    return f"{_talked(call)}, {end}."


def _why(leg: Leg) -> str:
    status = 0 if leg.outcome is None else leg.outcome.sip_status
    return f" (SIP {sip_words(status)})" if status else ", and the network does not say why"


_FAILURES: dict[Result, Callable[[Leg], str]] = {
    Result.BUSY: lambda leg: f"The {leg.party}'s phone was busy",
    Result.NO_ANSWER: lambda leg: f"The {leg.party}'s phone was not answered{_called(leg)}",
    Result.CANCELLED: lambda leg: f"The {leg.party}'s phone was not answered{_called(leg)}",
    Result.REJECTED: lambda leg: f"The {leg.party} declined the call",
    Result.INVALID_NUMBER: lambda leg: f"The {leg.party}'s number does not exist",
    Result.UNREACHABLE: lambda leg: f"The {leg.party} could not be reached{_why(leg)}",
    Result.COMPLETED: lambda leg: f"The {leg.party} answered, and the network lost the connection at once",
}


_REFUSED = {
    401: "The trunk refused our credentials",
    403: "The trunk refused our credentials, or does not allow this call",
    407: "The trunk refused our credentials",
}


def _failure(call: Call, party: Party) -> str:
    leg = call.leg(party)
    if leg.outcome is not None and leg.outcome.refusal:
        return f"{_REFUSED[leg.outcome.sip_status]} (SIP {leg.outcome.sip_status}), so the {party} was not reached"
    return _FAILURES[leg.outcome.result if leg.outcome else Result.UNREACHABLE](leg)


def _caller_failed(call: Call) -> str:
    return f"{_failure(call, Party.CALLER)}. The callee was not rung."


def _callee_failed(call: Call) -> str:
    if call.is_return_call:
        return f"{_failure(call, Party.CALLEE)}, so nobody could be connected to who called back."
    return f"The caller answered and waited. {_failure(call, Party.CALLEE)}."


def _caller_left(call: Call) -> str:
    waited = call.caller.answered_at
    when = f" after {length(call.ending_at - waited)}" if waited is not None and call.ending_at is not None else ""
    return f"The caller hung up{when}, before the callee had answered."


def _stopped(call: Call) -> str:
    if _both_answered(call):
        return f"{_talked(call)}, until the SP or the operator stopped the call."
    before = "the callee" if call.caller.answered_at is not None else "the caller"
    return f"The SP or the operator stopped the call before {before} had answered."


def _lost(call: Call) -> str:
    if _both_answered(call):
        return f"{_talked(call)}. The network never reported the end, so the platform closed the call."
    return "The network never reported how the call went on, so the platform closed it. They did not talk."


_ENDED: dict[EndReason, Callable[[Call], str]] = {
    EndReason.HUNG_UP: _hung_up,
    EndReason.CALLER_FAILED: _caller_failed,
    EndReason.CALLER_SILENT: lambda _: (
        "The network never reported what happened to the caller's phone. The callee was not rung."
    ),
    EndReason.CALLEE_FAILED: _callee_failed,
    EndReason.CALLEE_SILENT: lambda _: (
        "The caller answered and waited. The network never reported what happened to the callee's phone."
    ),
    EndReason.CALLER_LEFT: _caller_left,
    EndReason.STOPPED: _stopped,
    EndReason.LONGEST_CALL: lambda call: (
        f"{_talked(call)}, which is the longest that was allowed; the platform ended it."
    ),
    EndReason.NO_ROOM: lambda _: (
        "The network had no free line for the call, or the app had reached its limit of calls, or of return calls. "
        "Nobody was rung."
    ),
    EndReason.DIAL_REFUSED: lambda call: (
        f"The network refused to dial{f' ({call.dial_refusal})' if call.dial_refusal else ''}. Nobody was rung."
    ),
    EndReason.NEVER_STARTED: lambda _: "The call was accepted, but its flow never started. Nobody was rung.",
    EndReason.NOBODY_REMEMBERED: lambda _: (
        "Somebody called a display number, and nobody is remembered there whom the platform could ring."
    ),
    EndReason.CALLEE_DENIED: lambda _: (
        "Somebody called back, but the remembered number is on a list of numbers that are not dialled."
    ),
    EndReason.CEILING_REACHED: lambda _: (
        "Somebody called back, but the app had used up its calls, minutes or spend of the day."
    ),
    EndReason.LOST: _lost,
}
