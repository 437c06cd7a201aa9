"""The first decision about a call to a display number (docs/decisions/0014); `machine` decides everything after it.

connect    the callee is rung; the caller hears the network's own ringing, and is answered when the callee answers
play_tone  the caller is answered with a prompt, once, then hung up
reject     the caller is rejected unanswered, which costs nobody anything
hung_up    the caller has hung up already: the call is only recorded
turn_away  the same, for a call that is not recorded: there is no app to notify

An unanswered leg is rejected with 480 (unavailable) or 486 (busy): 0 says nothing about it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from duologue.call_control.actions import Action, DialAndBridge, HangUp, PlayPrompt
from duologue.call_control.events import InboundCall
from duologue.call_control.facts import CallEnded, CdrWritten, Fact, InboundCallRecorded, LegDialledRecorded
from duologue.call_control.machine import BUSY, UNAVAILABLE, Decision
from duologue.call_control.prompts import AppPrompt, Prompt
from duologue.domain.calls.call import Call, NotifyTo, Origin
from duologue.domain.calls.callback_request import LONGEST_TALK
from duologue.domain.calls.due import SWEEP_MARGIN
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.memory_draft import MemoryDraft
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result
from duologue.domain.media.audio import Audio
from duologue.domain.memory.call_memory import InboundApp, MemoryTerms
from duologue.domain.numbers.phone_number import WITHHELD, PhoneNumber

DEFAULT_TERMS = MemoryTerms(ring_limit=timedelta(seconds=30), longest_talk=LONGEST_TALK)
"""Of a call for which no request set any."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call to the display number `display`, and the app that it belongs to. `call_id`: what its call is named."""

    call_id: str
    event: InboundCall
    display: PhoneNumber
    app: InboundApp


@dataclass(frozen=True, slots=True)
class Target:
    """Who is to be rung.

    `memory`: what the dial creates, so that the target can call back; None: nothing. `pair`: as of Call.pair.
    """

    number: PhoneNumber
    terms: MemoryTerms = DEFAULT_TERMS
    memory: MemoryDraft | None = None
    pair: str | None = None


def connect(incoming: Incoming, target: Target) -> Decision:
    """Ring the target. No prompt while it rings: the caller's leg is not answered."""
    call, at = _call(incoming, target), incoming.event.at
    call = replace(call, callee=replace(call.callee, dialled_at=at))
    bridge = DialAndBridge(target.number, incoming.display, call.ring_limit, waiting=None)
    return _begun(call, (bridge,), InboundCallRecorded(at), LegDialledRecorded(at, Party.CALLEE))


def play_tone(incoming: Incoming) -> Decision:
    """Nobody is rung: play the app's prompt, else the platform's neutral one. The call is over when its leg ends."""
    call, event = _call(incoming, None), incoming.event
    tone = incoming.app.call_back_tone
    prompt = Prompt.CALLEE_UNAVAILABLE if tone is None else AppPrompt(call.app, tone)
    call = replace(
        call,
        caller=replace(call.caller, answered_at=event.at),  # the prompt answers it
        ending=EndReason.NOBODY_REMEMBERED,
        ending_at=event.at,
    )
    actions = (PlayPrompt(Party.CALLER, prompt), HangUp(Party.CALLER, event.leg_id))
    return _begun(call, actions, InboundCallRecorded(event.at))


def reject(
    incoming: Incoming, reason: EndReason = EndReason.NOBODY_REMEMBERED, target: Target | None = None
) -> Decision:
    """Reject the call and record it as over.

    `reason`: NOBODY_REMEMBERED (480), or for `target` NO_ROOM (486) or CALLEE_DENIED (480).
    """
    status = BUSY if reason is EndReason.NO_ROOM else UNAVAILABLE
    over = _over(_call(incoming, target), incoming.event.at, reason, Outcome(Result.REJECTED, status))
    return replace(over, actions=turn_away(incoming.event, status))


def hung_up(incoming: Incoming, target: Target | None = None) -> Decision:
    """Record a call as over whose caller hung up before it was recorded. `target`: who would have been rung."""
    over = _over(_call(incoming, target), incoming.event.at, EndReason.CALLER_LEFT, Outcome(Result.CANCELLED))
    return replace(over, call=replace(over.call, ended_by=Party.CALLER))


def turn_away(event: InboundCall, sip_status: int = UNAVAILABLE) -> tuple[Action, ...]:
    """Reject a call of which nothing is recorded. `sip_status`: UNAVAILABLE or BUSY."""
    return (HangUp(Party.CALLER, event.leg_id, sip_status),)


def _over(call: Call, at: datetime, reason: EndReason, outcome: Outcome) -> Decision:
    """The call as over, with its CDR; nobody is rung."""
    caller = replace(call.caller, ended_at=at, outcome=outcome)
    call = replace(call, caller=caller, ending=reason, ending_at=at, ended_at=at)
    return _begun(call, (), InboundCallRecorded(at), CallEnded(at, reason), CdrWritten(at))


def _begun(call: Call, actions: tuple[Action, ...], *facts: Fact) -> Decision:
    return Decision(replace(call, facts=len(facts)), actions, facts)


def _call(incoming: Incoming, target: Target | None) -> Call:
    """The call before anything is decided. Without a target its callee is the display number, which is never rung."""
    event, app, display = incoming.event, incoming.app, incoming.display
    terms = DEFAULT_TERMS if target is None else target.terms
    caller = Leg(Party.CALLER, event.caller or WITHHELD, display, network_id=event.leg_id, dialled_at=event.at)
    return Call(
        id=incoming.call_id,
        sp=app.sp,
        app=app.key,
        caller=caller,
        callee=Leg(Party.CALLEE, display if target is None else target.number, display),
        accepted_at=event.at,
        ring_limit=terms.ring_limit,
        longest_talk=min(terms.longest_talk, app.ceilings.longest_call),
        before_talk=terms.ring_limit + SWEEP_MARGIN,
        announces_end=terms.announces_end,
        bind_number=display.e164,
        notify=NotifyTo(terms.notify.status_url or app.status_url, terms.notify.fee_url or app.fee_url),
        audio=_audio(terms, app),
        wants_recording=terms.wants_recording and app.recording,
        keep_recording_days=app.keep_recordings_days,
        user_data=terms.user_data,
        wants_party_type=terms.wants_party_type,
        origin=Origin.RETURN_CALL,
        memory=None if target is None else target.memory,
        pair=None if target is None else target.pair,
        rejects_failure=app.rejects_failed_return_calls,
        rates=(0, 0),  # until somebody is rung
        taken_up_at=event.at,
        network_call=event.network_call,
    )


def _audio(terms: MemoryTerms, app: InboundApp) -> Audio:
    """What a return call plays of a request's prompts. The app may no longer have its recording notice."""
    audio = terms.audio
    return Audio(
        last_minute=audio.last_minute,
        last_minute_to=audio.last_minute_to,
        recording_notice=audio.recording_notice if audio.recording_notice in app.recording_notices else None,
        call_back=terms.call_back_tone,
    )
