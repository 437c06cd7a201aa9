"""One call of the service, as a pure actor: `handle(now, input)` returns the outputs that follow from it.

Rule 1: no clock, no network, no randomness. Time, ids and the list of owned numbers are passed in.
Rule 2: a leg never ends because its peer ended; only an answer, the far end or a failing Lambda ends a leg.
Rule 3: no input raises, in whatever order inputs come. An input that does not apply changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pstn import events
from pstn.actions.base import Action, ActionError
from pstn.call import UNAVAILABLE, Call
from pstn.invocations import Invocation
from pstn.legs import LegState, Tag
from pstn.messages import (
    AudioProbed,
    CallCreated,
    CancelTimer,
    Dial,
    DialRefused,
    DigitPressed,
    FellSilent,
    HangUp,
    InboundCall,
    Input,
    LambdaFailed,
    LambdaReplied,
    LegAnswered,
    LegEnded,
    LegRinging,
    Log,
    Output,
    PlaybackFailed,
    PlaybackFinished,
    RecordingOpened,
    RecordingStored,
    ServiceEnds,
    SetTimer,
    TimerFired,
    UpdateRequested,
)
from pstn.reply import InvalidReply, read_reply


class CallEngine:
    """Decides what each input means for `call`."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._held_updates: list[tuple[set[int], UpdateRequested]] = []
        """Each with the sequences whose answers must arrive first (`update_order`)."""
        self._overtaken: dict[int, int] = {}
        """Sequence of a pending answer → sequence of the update whose answer is to take effect first."""
        self._held_answers: list[tuple[Invocation, Any]] = []
        self._answered_update = 0
        """Sequence of the last update that was answered with actions."""
        self._running_out = False
        """The timer of an unanswered inbound call is running."""

    def handle(self, now: datetime, message: Input) -> list[Output]:
        call = self.call
        call.now, call.outputs = now, []
        self._dispatch(message)
        if call.legs and not call.over and all(leg.ended for leg in call.legs):
            call.finish()
        self._limit_inbound()
        return call.outputs

    def _dispatch(self, message: Input) -> None:
        call, current = self.call, self.call.actions.current
        match message:
            case CallCreated() if not call.legs:
                self._created(message)
            case InboundCall(sip_headers) if not call.legs:
                leg = call.open_leg_a("Inbound", dict(sip_headers or {}))
                call.send_event(events.NEW_INBOUND_CALL, leg.call_id)
            case LambdaReplied(sequence, payload):
                self._replied(sequence, payload)
            case LambdaFailed(sequence, reason):
                call.invocations.failed(sequence, reason)
            case TimerFired(name):
                self._timer(name)
            case UpdateRequested() if call.legs and call.updatable:
                self._update_requested(message)
            case PlaybackFinished(play_id) if current:
                if play_id == current.playing:
                    current.playback_ended(play_id, None)
            case PlaybackFailed(play_id) if current:
                if play_id == current.playing:
                    error = ActionError("InvalidAudioSource", "Audio Source parameter value is invalid.")
                    current.playback_ended(play_id, error)
            case AudioProbed(probe_id, found) if current and current.id == probe_id:
                current.audio_probed(found)
            case RecordingOpened(recording_id, accessible) if current and current.id == recording_id:
                current.recording_opened(accessible)
            case RecordingStored(recording_id, stored) if current and current.id == recording_id:
                current.recording_stored(stored)
            case FellSilent(recording_id) if current and current.id == recording_id:
                current.fell_silent()
            case LegRinging() | LegAnswered() | LegEnded() | DialRefused() | DigitPressed():
                self._from_network(message)
            case ServiceEnds(reason):
                call.drop(reason)
            case _:
                pass

    # -- the network
    def _created(self, created: CallCreated) -> None:
        call = self.call
        leg = call.open_leg_a("Outbound")
        limit = call.switches.network_ring_limit
        headers = created.sip_headers or {}
        call.pending_dial = Dial(leg.call_id, Tag.A.value, leg.caller_id, leg.to, limit, headers)
        data = None
        if created.arguments is not None:
            data = {"Type": "CallCreateRequest", "Parameters": {"Arguments": dict(created.arguments)}}
        sequence = call.send_event(events.NEW_OUTBOUND_CALL, leg.call_id, data)
        if sequence is None or not call.switches.dial_waits_for_first_answer:
            call.dial_leg_a()

    def _from_network(self, message: LegRinging | LegAnswered | LegEnded | DialRefused | DigitPressed) -> None:
        call, current = self.call, self.call.actions.current
        leg = next((each for each in call.legs if each.call_id == message.call_id), None)
        if leg is None or leg.ended:
            if isinstance(message, LegAnswered):
                call.emit(HangUp(message.call_id, 0))
            return
        match message:
            case LegRinging() if leg.tag is Tag.A and leg.state is LegState.RINGING and call.switches.ringing_leg_a:
                call.report_ringing(leg)
            case LegRinging() if current:
                current.leg_ringing(leg)
            case LegAnswered() if leg.tag is Tag.A and leg.state is LegState.RINGING and leg.direction == "Outbound":
                leg.state = LegState.UP
                call.send_event(events.CALL_ANSWERED, leg.call_id)
            case LegAnswered() if leg.state is LegState.RINGING and current:
                current.leg_answered(leg)
            case LegEnded(sip_code=code) if leg.tag is Tag.B and not leg.up:
                if current:
                    current.leg_ended(leg, code)
            case LegEnded(sip_code=code):
                call.leg_ended(leg, code)
            case DialRefused(reason=reason) if current and leg.tag is Tag.B and not leg.up:
                current.dial_refused(reason)
            case DigitPressed(digit=digit) if leg.up:
                if not (current and current.digit(leg, digit)) and leg.call_id in call.digit_listeners:
                    call.digit_listeners[leg.call_id].receive(digit)
            case _:
                pass

    # -- updates
    def _update_requested(self, update: UpdateRequested) -> None:
        awaited, order = self.call.invocations.awaited, self.call.switches.update_order
        if awaited and order == "after_answer":
            self._held_updates.append((awaited, update))
            return
        sequence = self._send_update(update)
        if sequence is not None and order == "before_answer":
            self._overtaken |= dict.fromkeys(awaited, sequence)

    def _send_update(self, update: UpdateRequested) -> int | None:
        call = self.call
        first = next((leg for leg in call.legs if not leg.ended), None)
        data = {"Type": "CallUpdateRequest", "Parameters": {"Arguments": dict(update.arguments)}}
        return call.send_event(events.CALL_UPDATE_REQUESTED, first.call_id if first else None, data)

    def _release(self) -> None:
        """Process answers and updates that were held for an answer that has now arrived."""
        awaited = self.call.invocations.awaited
        answers, self._held_answers = self._held_answers, []
        for invocation, payload in answers:
            if self._overtaken[invocation.sequence] in awaited:
                self._held_answers.append((invocation, payload))
            else:
                self._answered(invocation, payload)
        updates, self._held_updates = self._held_updates, []
        for before, update in updates:
            if before & awaited:
                self._held_updates.append((before, update))
            elif self.call.updatable:
                self._send_update(update)

    # -- the Lambda
    def _replied(self, sequence: int, payload: Any) -> None:
        call = self.call
        invocation = call.invocations.answered(sequence)
        if invocation is None or call.over:
            return
        if self._overtaken.get(sequence) in call.invocations.awaited:
            self._held_answers.append((invocation, payload))
            return
        self._answered(invocation, payload)
        self._release()

    def _answered(self, invocation: Invocation, payload: Any) -> None:
        call, sequence = self.call, invocation.sequence
        if call.over:
            return
        reply = read_reply(payload, call.switches)
        about = self._default_leg(invocation)
        ignored = invocation.type in events.ACTIONS_IGNORED
        if isinstance(reply, InvalidReply) and ignored and not call.switches.ignored_answers_are_read:
            call.emit(Log(reply.message))
        elif isinstance(reply, InvalidReply):
            call.emit(Log(reply.message))
            if invocation.type == events.INVALID_LAMBDA_RESPONSE and call.switches.invalid_twice_drops:
                call.drop("the answer to INVALID_LAMBDA_RESPONSE was invalid too")
                return
            sent = call.send_event(events.INVALID_LAMBDA_RESPONSE, about, error=(reply.error_type, reply.message))
            if call.actions.waits_for == sequence:
                call.actions.waits_for = sent
        elif reply.attributes is not None:
            call.attributes = reply.attributes
        if invocation.type == events.NEW_OUTBOUND_CALL:
            call.dial_leg_a()
        if isinstance(reply, InvalidReply) or ignored:
            return
        if reply.actions:
            if sequence < self._answered_update and not call.switches.older_answer_replaces:
                return
            update = invocation.type == events.CALL_UPDATE_REQUESTED
            self._answered_update = max(sequence, self._answered_update) if update else self._answered_update
            call.actions.replace(
                [Action(each["Type"], dict(each.get("Parameters", {})), about) for each in reply.actions], update=update
            )
        else:
            call.actions.answered_empty(sequence)

    def _limit_inbound(self) -> None:
        """An inbound call that is not answered, has nothing to do and awaits no answer ends by itself after a while."""
        call = self.call
        unanswered = any(leg.direction == "Inbound" and leg.state is LegState.RINGING for leg in call.legs)
        idle = unanswered and call.actions.idle and not call.invocations.awaited and not call.over
        if idle and not self._running_out:
            call.emit(Log("Actions list is empty."))
            call.emit(SetTimer("inbound", call.switches.inbound_patience))
        elif self._running_out and not idle:
            call.emit(CancelTimer("inbound"))
        self._running_out = idle

    def _default_leg(self, invocation: Invocation) -> str | None:
        """The leg that the event was about; if it has ended, the one that has not."""
        alive = [leg for leg in self.call.legs if not leg.ended]
        if any(leg.call_id == invocation.about for leg in alive) or not alive:
            return invocation.about
        return alive[0].call_id

    # -- timers
    def _timer(self, name: str) -> None:
        call = self.call
        what, _, rest = name.partition(":")
        if what in ("repeat", "drop", "release") and rest.isdigit():
            call.invocations.timer(what, int(rest))
        elif what == "inbound" and self._running_out:
            call.emit(HangUp(call.legs[0].call_id, UNAVAILABLE))
            call.leg_ended(call.legs[0], UNAVAILABLE)
        elif what == "action":
            owner, _, detail = rest.rpartition(":")
            if call.actions.current and call.actions.current.id == owner:
                call.actions.current.timer(detail)
            self._listener_timer(owner, detail)

    def _listener_timer(self, owner: str, detail: str) -> None:
        call = self.call
        for call_id, listener in list(call.digit_listeners.items()):
            data: Mapping[str, Any] | None = listener.match_at_timer(detail) if listener.id == owner else None
            if data:
                if call.switches.receive_digits_one_shot:
                    del call.digit_listeners[call_id]
                call.send_event(events.DIGITS_RECEIVED, call_id, data)
