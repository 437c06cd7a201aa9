"""One call of the service, as a pure actor: `handle(now, input)` gives the outputs that follow from it.

Rule 1: no clock, no network, no randomness; time, ids and the list of owned numbers come from outside.
Rule 2: no leg is cut because its peer ended; only an answer, the far end or a broken Lambda ends a leg.
Rule 3: whatever comes in whatever order, nothing is raised: an input that does not fit changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pstn import events
from pstn.acts.base import Action, Fault
from pstn.call import UNAVAILABLE, Call
from pstn.invocations import Invocation
from pstn.legs import Leg, LegState, Tag
from pstn.messages import (
    Arrived,
    AudioProbed,
    CancelTimer,
    Dial,
    DialRefused,
    DigitPressed,
    HangUp,
    Input,
    LambdaFailed,
    LambdaReplied,
    LegAnswered,
    LegEnded,
    LegRang,
    Log,
    Output,
    Placed,
    PlaybackFailed,
    PlaybackFinished,
    RecordingOpened,
    SetTimer,
    TimerFired,
    UpdateRequested,
)
from pstn.reply import InvalidReply, read_reply


class Transaction(Call):
    """A call, as the outside drives it."""

    # -- what the outside uses
    def handle(self, now: datetime, message: Input) -> list[Output]:
        self.now, self._out = now, []
        self._dispatch(message)
        if self.legs and not self.over and all(leg.ended for leg in self.legs):
            self.finish()
        return self._out

    @property
    def updatable(self) -> bool:
        """An update of this call is accepted (else 404)."""
        if self.over:
            return False
        return self.switches.update_while_ringing or any(leg.up for leg in self.legs)

    def _dispatch(self, message: Input) -> None:
        current = self.actions.current
        match message:
            case Placed():
                self._placed(message)
            case Arrived(sip_headers):
                self._arrived(sip_headers)
            case LambdaReplied(sequence, payload):
                self._replied(sequence, payload)
            case LambdaFailed(sequence, reason):
                self.invocations.failed(sequence, reason)
            case TimerFired(name):
                self._timer(name)
            case UpdateRequested(arguments) if self.legs and self.updatable:
                first = next((leg for leg in self.legs if not leg.ended), None)
                data = {"Type": "CallUpdateRequest", "Parameters": {"Arguments": dict(arguments)}}
                self.tell(events.CALL_UPDATE_REQUESTED, first.call_id if first else None, data)
            case PlaybackFinished(play_id) if current:
                if play_id == getattr(current, "playing", current.id):
                    current.playback(play_id, None)
            case PlaybackFailed(play_id) if current:
                if play_id == getattr(current, "playing", current.id):
                    current.playback(play_id, Fault("InvalidAudioSource", "Audio Source parameter value is invalid."))
            case AudioProbed(probe_id, found) if current and current.id == probe_id:
                current.audio_probed(found)
            case RecordingOpened(recording_id, accessible) if current and current.id == recording_id:
                current.recording_opened(accessible)
            case LegRang() | LegAnswered() | LegEnded() | DialRefused() | DigitPressed():
                self._from_network(message)
            case _:
                pass

    # -- the network
    def _placed(self, placed: Placed) -> None:
        if self.legs:
            return
        shown, to = self._first
        leg = Leg(self.new_id(), Tag.A, shown, to, "Outbound", self.now)
        self.legs.append(leg)
        limit = self.switches.network_ring_limit
        self._to_dial = Dial(leg.call_id, Tag.A.value, shown, to, limit, placed.sip_headers or {})
        data = None
        if placed.arguments is not None:
            data = {"Type": "CallCreateRequest", "Parameters": {"Arguments": dict(placed.arguments)}}
        sequence = self.tell(events.NEW_OUTBOUND_CALL, leg.call_id, data)
        if sequence is None or not self.switches.dial_waits_for_first_answer:
            self.dial_first()

    def _arrived(self, sip_headers: Mapping[str, str] | None) -> None:
        if self.legs:
            return
        shown, to = self._first
        leg = Leg(self.new_id(), Tag.A, shown, to, "Inbound", self.now, sip_headers=dict(sip_headers or {}))
        self.legs.append(leg)
        self.tell(events.NEW_INBOUND_CALL, leg.call_id)

    def _from_network(self, message: LegRang | LegAnswered | LegEnded | DialRefused | DigitPressed) -> None:
        leg = next((each for each in self.legs if each.call_id == message.call_id), None)
        current = self.actions.current
        if leg is None or leg.ended:
            if isinstance(message, LegAnswered):
                self.put(HangUp(message.call_id, 0))
            return
        match message:
            case LegRang() if leg.tag is Tag.A and leg.state is LegState.RINGING and self.switches.ringing_leg_a:
                self.rang(leg)
            case LegRang() if current:
                current.leg_rang(leg)
            case LegAnswered() if leg.tag is Tag.A and leg.state is LegState.RINGING and leg.direction == "Outbound":
                leg.state = LegState.UP
                self.tell(events.CALL_ANSWERED, leg.call_id)
            case LegAnswered() if leg.state is LegState.RINGING and current:
                current.leg_answered(leg)
            case LegEnded(sip_code=code) if leg.tag is Tag.B and not leg.up:
                if current:
                    current.leg_ended(leg, code)
            case LegEnded(sip_code=code):
                self.ended(leg, code)
            case DialRefused(reason=reason) if current and leg.tag is Tag.B and not leg.up:
                current.dial_refused(reason)
            case DigitPressed(digit=digit) if leg.up:
                if not (current and current.digit(leg, digit)) and leg.call_id in self.listeners:
                    self.listeners[leg.call_id].heard(digit)
            case _:
                pass

    # -- the Lambda
    def _replied(self, sequence: int, payload: Any) -> None:
        invocation = self.invocations.answered(sequence)
        if invocation is None or self.over:
            return
        reply = read_reply(payload, self.switches)
        about = self._default_address(invocation)
        if isinstance(reply, InvalidReply):
            self.put(Log(reply.message))
            if invocation.type == events.INVALID_LAMBDA_RESPONSE and self.switches.invalid_twice_drops:
                self.drop("the answer to INVALID_LAMBDA_RESPONSE was invalid too")
                return
            told = self.tell(events.INVALID_LAMBDA_RESPONSE, about, error=(reply.error_type, reply.message))
            if self.actions.waits_for == sequence:
                self.actions.waits_for = told
        elif reply.attributes is not None:
            self.attributes = reply.attributes
        if invocation.type == events.NEW_OUTBOUND_CALL:
            self.dial_first()
        if isinstance(reply, InvalidReply) or invocation.type in events.ACTIONS_IGNORED:
            self._await_inbound(invocation, acted=False)
            return
        self._await_inbound(invocation, acted=bool(reply.actions))
        if reply.actions:
            update = invocation.type == events.CALL_UPDATE_REQUESTED
            self.actions.replace(
                [Action(each["Type"], dict(each.get("Parameters", {})), about) for each in reply.actions], update=update
            )
        else:
            self.actions.answered_empty(sequence)

    def _await_inbound(self, invocation: Invocation, *, acted: bool) -> None:
        """An inbound call that nobody acts on dies by itself."""
        if acted:
            self.put(CancelTimer("patience"))
        elif invocation.type == events.NEW_INBOUND_CALL:
            self.put(Log("Actions list is empty."))
            self.put(SetTimer("patience", self.switches.inbound_patience))

    def _default_address(self, invocation: Invocation) -> str | None:
        """The leg the event was about; after its end, the one that is still up."""
        alive = [leg for leg in self.legs if not leg.ended]
        if any(leg.call_id == invocation.about for leg in alive) or not alive:
            return invocation.about
        return alive[0].call_id

    def _timer(self, name: str) -> None:
        what, _, rest = name.partition(":")
        if what in ("repeat", "drop", "release") and rest.isdigit():
            self.invocations.timer(what, int(rest))
        elif what == "patience" and self.legs and self.legs[0].state is LegState.RINGING:
            self.put(HangUp(self.legs[0].call_id, UNAVAILABLE))
            self.ended(self.legs[0], UNAVAILABLE)
        elif what == "act":
            owner, _, detail = rest.rpartition(":")
            if self.actions.current and self.actions.current.id == owner:
                self.actions.current.timer(detail)
            self._listener_timer(owner, detail)

    def _listener_timer(self, owner: str, detail: str) -> None:
        for call_id, listener in list(self.listeners.items()):
            data = listener.ripe(detail) if listener.id == owner else None
            if data:
                if self.switches.receive_digits_one_shot:
                    del self.listeners[call_id]
                self.tell(events.DIGITS_RECEIVED, call_id, data)
