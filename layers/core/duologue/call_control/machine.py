"""The call flow of callbacks and return calls, as a pure function.

Invariant 1: everything that decides what happens next in a call is in this file, so it is longer than the others.
Invariant 2: no clock, no network, no JSON, no AWS.
Invariant 3: the function is total. The network repeats, reorders and loses events; one that does not fit is ignored
             with a note, never an exception, which would disconnect a person.

    accepted → ringing caller → caller waiting → ringing callee → talking → ending → over

The phase is derived from the times on the call (`domain.calls.call`), so it cannot go back. Call control never dials on
its own: the flow requests it, by `DialCalleeAsked`.

A return call starts with its callee ringing (`inbound`). Its caller's leg exists from the start, unanswered: the
callee's answer answers it, or a prompt of ours does, and every hang-up of the call includes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from duologue.call_control.actions import Action, DialAndBridge, HangUp, PlayPrompt, StartRecording
from duologue.call_control.events import (
    ActionRefused,
    BridgeFailed,
    CallEvent,
    DialAccepted,
    DialCalleeAsked,
    EndAsked,
    GaveUp,
    InboundCall,
    Informational,
    LastMinuteAsked,
    LegAnswered,
    LegEnded,
    LegRinging,
    NeverTakenUp,
    NodeDied,
    OwnEvent,
    PromptPlayed,
    RecordingStarted,
    StopAsked,
)
from duologue.call_control.facts import (
    CallEnded,
    CdrWritten,
    Fact,
    LegAnsweredRecorded,
    LegDialledRecorded,
    LegRingingRecorded,
)
from duologue.call_control.prompts import AppPrompt, Prompt, PromptAudio
from duologue.domain.calls.call import LAST_MINUTE, Call, Phase
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result, outcome_of
from duologue.domain.calls.task_token import Wait
from duologue.domain.errors import (
    CalleeSilent,
    CallerSilent,
    CallStopping,
    DialRefused,
    DuologueError,
    LongestReached,
    NoSuchNetworkCall,
    NothingWasDialled,
)
from duologue.domain.media.audio import AudioListeners
from duologue.domain.media.recording import Recording, folder_of

UNAVAILABLE, BUSY = 480, 486
"""SIP statuses with which an unanswered leg is rejected."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The call after the event, the actions for the network, and the new facts.

    `resumes`: the wait of the flow that the event completes.
    `note`: for the log, if the call did not change; there may still be actions.
    `goes_on`: the party that was given up has answered meanwhile.
    """

    call: Call
    actions: tuple[Action, ...] = ()
    facts: tuple[Fact, ...] = ()
    resumes: Wait | None = None
    note: str | None = None
    goes_on: bool = False


def decide(call: Call, event: CallEvent | OwnEvent) -> Decision:
    """Decide what follows from one event.

    Its time is by the clock of the process that read it, which may be behind the last one's. A call's times never go
    back.
    """
    event = replace(event, at=max(event.at, _latest(call)))
    if isinstance(event, OwnEvent):
        return _numbered(call, _decide_own(call, event))
    if call.network_call is not None and call.network_call != event.network_call:
        return _hang_up_unwanted(call, event, "stray: another network call was stored first (R6)")
    if call.phase is Phase.OVER:
        return _hang_up_unwanted(call, event, "the call is over")
    known, dialled = _adopt(call, event)
    decision = _decide_known(known, event)
    return _numbered(call, replace(decision, facts=dialled + decision.facts))


def _latest(call: Call) -> datetime:
    """The latest time in the history of the call."""
    times = [call.accepted_at, call.prelude_at, call.ending_at]
    for leg in (call.caller, call.callee):
        times += [leg.dialled_at, leg.alerting_at, leg.answered_at, leg.ended_at]
    return max(time for time in times if time is not None)


def _numbered(before: Call, decision: Decision) -> Decision:
    call = replace(decision.call, facts=before.facts + len(decision.facts))
    return replace(decision, call=call, note=decision.note if call == before else None)


# ---- ends that the network does not report. The first reason counts.


def _decide_own(call: Call, event: OwnEvent) -> Decision:
    if call.phase is Phase.OVER:
        return Decision(call, note="the call is over")
    match event:
        case StopAsked():
            return Decision(_ending(call, event.at, EndReason.STOPPED), note="the call is already ending")
        case GaveUp():
            return _gave_up(call, event)
        case NeverTakenUp():
            return _close(call, event.at, EndReason.NEVER_STARTED)
        case NodeDied():
            return _close(call, event.at, EndReason.LOST)
        case _:  # EndNotReported
            reason = EndReason.CALLER_SILENT if call.network_call is None else EndReason.LOST
            return _close(call, event.at, reason)


_REASONS: dict[type[DuologueError], EndReason] = {
    CallerSilent: EndReason.CALLER_SILENT,
    CalleeSilent: EndReason.CALLEE_SILENT,
    NothingWasDialled: EndReason.NO_ROOM,
    DialRefused: EndReason.DIAL_REFUSED,
    LongestReached: EndReason.LONGEST_CALL,
}
_NO_REASON = (NoSuchNetworkCall, CallStopping)
"""The hang-ups on their way have a better reason, or a reason is already recorded."""


def _gave_up(call: Call, event: GaveUp) -> Decision:
    if call.ending is not None:
        return Decision(call, note="the call is already ending")
    if event.error in _NO_REASON:
        return Decision(call, note="the network ends the call")
    error = event.error
    if call.is_return_call and error is CallerSilent:  # its caller is never waited for
        error = CalleeSilent
    awaited: dict[type[DuologueError], Leg] = {CallerSilent: call.caller, CalleeSilent: call.callee}
    leg = None if error is None else awaited.get(error)
    if leg is not None and leg.answered_at is not None:
        return Decision(call, note="answered in the meantime", goes_on=True)
    reason = EndReason.LOST if error is None else _REASONS.get(error, EndReason.LOST)
    return Decision(_ending(call, event.at, reason))


def _close(call: Call, at: datetime, reason: EndReason) -> Decision:
    """End a call whose end the network never reported.

    If the end of one leg is known, the other leg and the call ended with it (R9). If none is, an answered leg counts as
    connected until now, and one that was only dialled as never answered.
    """
    ending = call.ending or reason
    silent = _SILENT.get(ending)
    known = call.caller.ended_at or call.callee.ended_at or at
    caller, callee = (
        _give_up(leg, known, Outcome(Result.NO_ANSWER if leg.party is silent else Result.CANCELLED))
        for leg in (call.caller, call.callee)
    )
    ended_at = max((leg.ended_at for leg in (caller, callee) if leg.ended_at is not None), default=at)
    return _over(replace(call, ending=ending, caller=caller, callee=callee), ended_at)


_SILENT = {EndReason.CALLER_SILENT: Party.CALLER, EndReason.CALLEE_SILENT: Party.CALLEE}


# ---- one function per event


def _decide_known(call: Call, event: CallEvent) -> Decision:
    match event:
        case DialAccepted():
            return Decision(call, note="the dial is already known")
        case LegRinging():
            return _leg_ringing(call, event)
        case LegAnswered(party=Party.CALLER):
            return _caller_answered(call, event)
        case LegAnswered():
            return _callee_answered(call, event)
        case DialCalleeAsked():
            return _dial_callee_asked(call, event.at)
        case BridgeFailed():
            return _bridge_failed(call, event)
        case PromptPlayed():
            return _prompt_played(call, event)
        case RecordingStarted():
            return _recording_started(call, event)
        case ActionRefused():
            return _action_refused(call, event)
        case LastMinuteAsked():
            return _last_minute_asked(call)
        case EndAsked():
            return _end_asked(call, event)
        case LegEnded(party=Party.CALLER):
            return _caller_ended(call, event)
        case LegEnded():
            return _callee_ended(call, event)
        case InboundCall() if call.is_return_call:
            return Decision(call, note="the inbound call is already known")
        case InboundCall():
            away = HangUp(Party.CALLER, event.leg_id, UNAVAILABLE)
            return Decision(call, (away,), note="a callback has no inbound call")
        case Informational():
            return Decision(call, note=f"{event.what}: nothing to decide")


def _leg_ringing(call: Call, event: LegRinging) -> Decision:
    leg = call.leg(event.party)
    if call.is_return_call and event.party is Party.CALLER:
        return Decision(call, note="the caller of a return call dialled, and does not ring")
    if leg.dialled_at is None or leg.alerting_at is not None or leg.answered_at is not None or leg.is_over:
        return Decision(call, note="ringing is already known, or too late")
    rang = replace(leg, alerting_at=event.at, network_id=leg.network_id or event.leg_id)
    return Decision(_with(call, rang), facts=(LegRingingRecorded(event.at, event.party),))


def _caller_answered(call: Call, event: LegAnswered) -> Decision:
    if call.caller.answered_at is not None or call.caller.is_over:
        return Decision(call, note="the answer is already known, or too late")
    if call.is_return_call:  # by the callee's answer or by a prompt, each of which is followed by what ends the call
        return Decision(_answer_caller(call, event.at))
    up = replace(call.caller, answered_at=event.at, network_id=event.leg_id)
    answered = (LegAnsweredRecorded(event.at, Party.CALLER),)
    call = _with(call, up)
    # R4, R8: if the call is ending, the flow no longer waits for this answer. Otherwise nothing is played: the flow's
    # next request may overtake this decision on its way to the network, and a prompt would follow the dial.
    hang_up = _hang_up(call) if call.ending is not None else ()
    return Decision(call, hang_up, answered, resumes=Wait.CALLER_ANSWER)


def _dial_callee_asked(call: Call, at: datetime) -> Decision:
    if call.ending is not None:  # R8: no dial starts after a stop
        return Decision(call, _hang_up(call), note="the call is ending")
    if call.phase is not Phase.CALLER_WAITING:
        return Decision(call, note="the caller is not waiting for a dial")
    if not call.plays_before_callee:
        return _dial_callee(call, at)
    if call.prelude_at is not None:
        return Decision(call, note="the prompt before the callee's dial is still playing")
    # R15: no action may precede the dial in a list, so the prompt is a list of its own.
    prelude = _own(call, call.audio.before_callee, Prompt.BEFORE_CALLEE)
    return Decision(replace(call, prelude_at=at, dial_refusal=None), (PlayPrompt(Party.CALLER, prelude),))


def _dial_callee(call: Call, at: datetime) -> Decision:
    call = replace(call, dial_refusal=None)  # an earlier request may have found no capacity
    dialled = replace(call.callee, dialled_at=at)
    waiting = _own(call, call.audio.while_callee_rings, Prompt.WAITING)
    return Decision(_with(call, dialled), (_bridge(call, waiting),), (LegDialledRecorded(at, Party.CALLEE),))


def _bridge(call: Call, waiting: PromptAudio | None) -> DialAndBridge:
    return DialAndBridge(call.callee.number, call.callee.display_number, call.ring_limit, waiting)


def _last_minute_asked(call: Call) -> Decision:
    if call.phase is not Phase.TALKING:
        return Decision(call, note="nobody is talking")
    if call.wants_recording and call.recording is None:  # a new list would drop the notices and the recording
        return Decision(call, note="the recording notice is still playing")
    prompt = _own(call, call.audio.last_minute, Prompt.LAST_MINUTE)
    to = call.audio.last_minute_to
    parties = [party for party in Party if to in (AudioListeners.BOTH, AudioListeners(party.value))]
    return Decision(call, tuple(PlayPrompt(party, prompt) for party in parties), note="one minute is left")


def _callee_answered(call: Call, event: LegAnswered) -> Decision:
    callee = call.callee
    if callee.answered_at is not None:
        return Decision(call, note="the answer is already known")
    if callee.dialled_at is None:
        return Decision(call, (HangUp(Party.CALLEE, event.leg_id),), note="a callee that was never dialled")
    answered = (LegAnsweredRecorded(event.at, Party.CALLEE),)
    if callee.ended_at is not None:
        if callee.network_id != event.leg_id:
            return Decision(call, (HangUp(Party.CALLEE, event.leg_id),), note="the callee's leg is over")
        # The end of the leg overtook its answer: it was answered no later than it ended.
        answered_at = min(event.at, callee.ended_at)
        late = replace(callee, answered_at=answered_at, outcome=Outcome(Result.COMPLETED))
        call = _answer_caller(_with(call, late), answered_at)
        return Decision(call, _hang_up(call), facts=answered)  # the caller hears that the callee was not reached
    call = _with(call, replace(callee, answered_at=event.at, network_id=event.leg_id))
    call = _answer_caller(call, event.at)
    if call.ending is not None:
        return Decision(call, _hang_up(call), answered, resumes=Wait.CALLEE_ANSWER)
    return Decision(call, _announce_and_record(call), answered, resumes=Wait.CALLEE_ANSWER)


def _announce_and_record(call: Call) -> tuple[Action, ...]:
    """R15: notice to the caller, notice to the callee, then the recording. A failure drops the rest of the list."""
    if not call.wants_recording or call.caller.network_id is None:
        return ()
    notice = _own(call, call.audio.recording_notice, Prompt.RECORDING_NOTICE)
    notices = tuple(PlayPrompt(party, notice) for party in Party)
    return (*notices, StartRecording(call.caller.network_id, folder_of(call.app, call.id)))


def _recording_started(call: Call, event: RecordingStarted) -> Decision:
    if call.recording is not None:
        return Decision(call, note="the recording is already known")
    return Decision(replace(call, recording=Recording(event.key, event.at)))


def _bridge_failed(call: Call, event: BridgeFailed) -> Decision:
    callee = call.callee
    if callee.dialled_at is None or callee.answered_at is not None or callee.is_over:
        return Decision(call, note="the failed bridge is already known")
    if event.unplayable and call.ending is None:
        # R5: nothing was dialled. Without a prompt the dial cannot fail for this reason again, so it is repeated once.
        silent = _bridge(call, None)
        return Decision(call, (silent,), note="repeated without the waiting prompt, which cannot be played")
    if event.refused and callee.alerting_at is None:
        reason = EndReason.NO_ROOM if event.no_room else EndReason.DIAL_REFUSED
        refused = replace(call, dial_refusal=event.refused)
        lost = _callee_lost(refused, event.at, Outcome(Result.UNREACHABLE), reason)
        # The dial was notified when it was requested, but never left: the CDR has no dial (docs/decisions/0008).
        return replace(lost, call=_with(lost.call, replace(callee, dialled_at=None)))
    return _callee_lost(call, event.at, _callee_outcome(call, event))


def _callee_lost(
    call: Call,
    at: datetime,
    outcome: Outcome,
    reason: EndReason = EndReason.CALLEE_FAILED,
    connected: Mapping[Party, str] | None = None,
) -> Decision:
    """The callee cannot be connected: tell the caller why and hang up, unless the call is ending anyway.

    The prompt answers the caller of a return call, unless the app has such callers rejected unanswered.
    """
    says_why = call.ending is None and not call.rejects_failure
    call = _with(_ending(call, at, reason), replace(call.callee, ended_at=at, outcome=outcome))
    if not says_why:
        return Decision(call, _hang_up(call, connected))
    call = _answer_caller(call, at)
    prompt = _own(call, call.audio.call_back, _why(outcome))
    return Decision(call, (PlayPrompt(Party.CALLER, prompt), *_hang_up(call, connected)))


def _why(outcome: Outcome) -> Prompt:
    """R14: the caller hears a reason only if the network gave one. Our own time-out is none."""
    if not outcome.sip_status:
        return Prompt.CALLEE_UNAVAILABLE
    return _WHY.get(outcome.result, Prompt.CALLEE_UNAVAILABLE)


_WHY = {Result.BUSY: Prompt.CALLEE_BUSY, Result.NO_ANSWER: Prompt.CALLEE_NO_ANSWER}


def _prompt_played(call: Call, event: PromptPlayed) -> Decision:
    if call.phase is Phase.CALLER_WAITING and call.prelude_at is not None:
        return _dial_callee(call, event.at)
    if call.phase is Phase.ENDING:
        return Decision(call, _hang_up(call), note="the prompt before hanging up was played")
    return Decision(call, note="a prompt was played")


def _action_refused(call: Call, event: ActionRefused) -> Decision:
    if event.action == HangUp.__name__:  # the leg had already ended (R9); repeating would loop
        return Decision(call, note="the leg had ended before the hang-up")
    if call.phase is Phase.ENDING:
        call = _unanswer_caller(call)
        return Decision(call, _hang_up(call), note="only hanging up is left")
    if call.phase is Phase.CALLER_WAITING and call.prelude_at is not None:
        return _dial_callee(call, event.at)  # connect the parties even if the prompt cannot be played
    if call.phase is Phase.RINGING_CALLEE and event.action != PlayPrompt.__name__:
        return _callee_lost(call, event.at, Outcome(Result.UNREACHABLE))
    if call.phase is Phase.TALKING and call.wants_recording and call.recording is None:
        return Decision(replace(call, wants_recording=False))  # no notice, no recording; the call goes on
    return Decision(call, note=f"the network refused {event.action}: {event.why}")


def _end_asked(call: Call, event: EndAsked) -> Decision:
    if call.ending is None:
        return Decision(call, note="end requested before a reason was recorded (R4, R8)")
    return Decision(call, _hang_up(call, event.connected), note="the call is already ending")


def _caller_ended(call: Call, event: LegEnded) -> Decision:
    caller, callee = call.caller, call.callee
    if caller.is_over or caller.network_id not in (None, event.leg_id):
        return Decision(call, _hang_ups(call, event.connected), note="the caller's leg is over, or this is another leg")
    if caller.answered_at is None and not call.is_return_call:
        call = _ending(call, event.at, EndReason.CALLER_FAILED)
    elif caller.answered_at is None and event.sip_status == UNAVAILABLE and callee.alerting_at is None:
        call = _ending(call, event.at, EndReason.LOST)  # by the network, which never got the answer with the dial
    elif callee.answered_at is None:
        call = _ending(call, event.at, EndReason.CALLER_LEFT, by=Party.CALLER)
    else:
        call = _ending(call, event.at, EndReason.HUNG_UP, by=Party.CALLER)
    call = _with(call, _ended(call, caller, event))
    hang_up = _hang_up(call, event.connected)  # R9
    # A callee that only the network reports as up was answered without an event; its own end is still to come.
    if callee.is_up or (hang_up and callee.dialled_at is not None and not callee.is_over):
        return Decision(call, hang_up)
    # The network cancels a ringing callee when the caller hangs up.
    over = _over(_with(call, _give_up(callee, event.at, Outcome(Result.CANCELLED))), event.at)
    return replace(over, actions=hang_up)


def _callee_ended(call: Call, event: LegEnded) -> Decision:
    callee = call.callee
    if callee.dialled_at is None or callee.is_over or callee.network_id not in (None, event.leg_id):
        return Decision(call, note="the callee's leg is over, or this is another leg")
    if callee.answered_at is None:
        named = _with(call, replace(callee, network_id=event.leg_id))
        decision = _callee_lost(named, event.at, outcome_of(event.sip_status), connected=event.connected)
    else:
        call = _ending(call, event.at, EndReason.HUNG_UP, by=Party.CALLEE)
        call = _with(call, _ended(call, callee, event))
        decision = Decision(call, _hang_up(call, event.connected))  # R9
    if not call.caller.is_over:
        return decision
    return replace(_over(decision.call, event.at), actions=_hang_up(decision.call, event.connected))


def leaves_a_prompt(call: Call, event: CallEvent) -> bool:
    """Whether a party hung up while its peer may be hearing a prompt (R9). `call`: before or after the event.

    An answer that the end of its leg has overtaken says so late. During a talk only the recording notices and the
    prompt before the last minute are played; when either ends is not reported for each party, so this errs to yes.
    """
    answered_at = call.callee.answered_at
    if isinstance(event, LegAnswered) and event.party is Party.CALLEE:
        return call.callee.is_over and call.callee.network_id == event.leg_id and call.caller.is_up
    if not isinstance(event, LegEnded) or answered_at is None:
        return False
    if not any(hang_up.party is not event.party for hang_up in _hang_up(call, event.connected)):
        return False
    last_minute = call.announces_end and event.at >= answered_at + call.longest_talk - LAST_MINUTE - _CLOCKS_APART
    return last_minute or (call.wants_recording and call.recording is None)


# ---- shared steps


def _adopt(call: Call, event: CallEvent) -> tuple[Call, tuple[Fact, ...]]:
    """The first event of the first network call, of any kind, assigns it to this call (R6)."""
    if call.network_call is not None:
        return call, ()
    match event:
        case DialAccepted(leg_id=leg_id, dialled_at=at):
            dialled_at: datetime | None = at
            network_id: str | None = leg_id
        case LegRinging(party=Party.CALLER) | LegAnswered(party=Party.CALLER):
            dialled_at, network_id = event.dialled_at, event.leg_id
        case LegEnded(party=Party.CALLER, leg_id=leg_id):
            dialled_at, network_id = None, leg_id
        case _:
            dialled_at, network_id = None, None
    caller = replace(call.caller, dialled_at=dialled_at or event.at, network_id=network_id)
    adopted = replace(_with(call, caller), network_call=event.network_call)
    return adopted, (LegDialledRecorded(dialled_at or event.at, Party.CALLER),)


def _hang_up_unwanted(call: Call, event: CallEvent, why: str) -> Decision:
    """Hang up legs that answer or are still up on a call that is over, or on a stray (R4, R6, R9)."""
    if isinstance(event, LegEnded | EndAsked):
        return Decision(call, _hang_ups(call, event.connected), note=why)
    if not isinstance(event, LegAnswered):
        return Decision(call, note=why)
    hang_ups = [HangUp(event.party, event.leg_id)]
    ours = call.network_call == event.network_call
    if event.party is Party.CALLEE and ours and call.caller.network_id is not None:
        hang_ups.append(HangUp(Party.CALLER, call.caller.network_id))  # a bridge has both legs
    return Decision(call, tuple(hang_ups), note=why)


def _callee_outcome(call: Call, event: BridgeFailed) -> Outcome:
    """R14: without a SIP status, only the time distinguishes an unanswered callee from an unreachable one."""
    if event.sip_status:
        return outcome_of(event.sip_status)
    rang = event.at - (call.callee.dialled_at or event.at)
    return Outcome(Result.NO_ANSWER if rang >= call.ring_limit - _CLOCKS_APART else Result.UNREACHABLE)


_CLOCKS_APART = timedelta(seconds=1)
"""Tolerance for the difference between the clocks that time the dial and its failure."""


def _over(call: Call, at: datetime) -> Decision:
    """R10: the end and the CDR are recorded together."""
    assert call.ending is not None
    ended = replace(call, ended_at=at)
    return Decision(ended, facts=(CallEnded(at, call.ending), CdrWritten(at)), resumes=Wait.END)


def _hang_up(call: Call, connected: Mapping[Party, str] | None = None) -> tuple[HangUp, ...]:
    """Hang up every leg that is up by the network's report, then those by our record alone.

    The network refuses to hang up a leg that has ended, and drops the rest of the list.
    """
    reported = connected or {}
    recorded = {
        leg.party: leg.network_id
        for leg in (call.caller, call.callee)
        if (leg.is_up or _awaits_answer(call, leg)) and leg.network_id is not None and leg.party not in reported
    }
    return (*_hang_ups(call, reported), *_hang_ups(call, recorded))


def _hang_ups(call: Call, legs: Mapping[Party, str]) -> tuple[HangUp, ...]:
    return tuple(HangUp(party, legs[party], _sip_status(call, party)) for party in Party if party in legs)


def _awaits_answer(call: Call, leg: Leg) -> bool:
    """A leg that we neither answered nor rejected: the caller's of a return call."""
    return call.is_return_call and leg.party is Party.CALLER and leg.answered_at is None and not leg.is_over


def _sip_status(call: Call, party: Party) -> int:
    """0 ends an answered leg. An unanswered one is rejected, as busy only if the network says that the callee is."""
    if not _awaits_answer(call, call.leg(party)):
        return 0
    outcome = call.callee.outcome
    return BUSY if outcome is not None and outcome.result is Result.BUSY else UNAVAILABLE


def _answer_caller(call: Call, at: datetime) -> Call:
    """The caller of a return call is answered by the callee's answer, or by a prompt of ours. No fact of its own."""
    if not _awaits_answer(call, call.caller):
        return call
    return _with(call, replace(call.caller, answered_at=at))


def _unanswer_caller(call: Call) -> Call:
    """The prompt that was to answer the caller of a return call could not be played."""
    if not call.is_return_call or not call.caller.is_up or call.callee.answered_at is not None:
        return call
    return _with(call, replace(call.caller, answered_at=None))


def _own(call: Call, name: str | None, otherwise: Prompt) -> PromptAudio:
    """The app's prompt if the request names one, else the platform's."""
    return AppPrompt(call.app, name) if name is not None else otherwise


def _ending(call: Call, at: datetime, reason: EndReason, by: Party | None = None) -> Call:
    return call if call.ending is not None else replace(call, ending=reason, ending_at=at, ended_by=by)


def _ended(call: Call, leg: Leg, event: LegEnded) -> Leg:
    if leg.answered_at is not None:
        outcome = Outcome(Result.COMPLETED)
    elif _awaits_answer(call, leg):  # the caller gave up, or was rejected with a status that we or the network chose
        rejected = event.sip_status in (UNAVAILABLE, BUSY)
        outcome = Outcome(Result.REJECTED if rejected else Result.CANCELLED, event.sip_status)
    else:
        outcome = outcome_of(event.sip_status)
    return replace(leg, ended_at=event.at, outcome=outcome, network_id=event.leg_id)


def _give_up(leg: Leg, at: datetime, unanswered: Outcome) -> Leg:
    if leg.dialled_at is None or leg.is_over:
        return leg
    if leg.answered_at is None:
        return replace(leg, ended_at=at, outcome=unanswered)
    return replace(leg, ended_at=max(at, leg.answered_at), outcome=Outcome(Result.COMPLETED))


def _with(call: Call, leg: Leg) -> Call:
    return replace(call, caller=leg) if leg.party is Party.CALLER else replace(call, callee=leg)
