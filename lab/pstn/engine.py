"""One call of the service, as a pure actor: `handle(now, input)` gives the outputs that follow from it.

Rule 1: no clock, no network, no randomness; time, ids and the list of owned numbers come from outside.
Rule 2: no leg is cut because its peer ended; only an answer, the far end or a broken Lambda ends a leg.
Rule 3: whatever comes in whatever order, nothing is raised: an input that does not fit changes nothing.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lab.pstn import events
from lab.pstn.action_list import ActionList
from lab.pstn.acts import Performance
from lab.pstn.acts.base import Action, Fault
from lab.pstn.acts.digits import ReceiveDigits
from lab.pstn.events import CallIdentity
from lab.pstn.invocations import Invocation, Invocations
from lab.pstn.legs import Leg, LegState, Tag
from lab.pstn.messages import (
    Arrived,
    AudioProbed,
    CancelTimer,
    CloseRecording,
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
    Over,
    Placed,
    PlaybackFailed,
    PlaybackFinished,
    RecordingOpened,
    SetTimer,
    TimerFired,
    UpdateRequested,
)
from lab.pstn.reply import InvalidReply, read_reply
from lab.pstn.switches import Switches

UNAVAILABLE = 480
"""What a call ends with when its Lambda gave no answer (timeouts page)."""


class Transaction:
    """A call: leg A, at most one leg B at a time, its attributes and its list of actions."""

    def __init__(
        self,
        identity: CallIdentity,
        switches: Switches,
        new_id: Callable[[], str],
        owns: Callable[[str], bool],
        shown: str,
        to: str,
    ) -> None:
        self.identity = identity
        self.switches = switches
        self.new_id = new_id
        self.owns = owns
        self._first = (shown, to)
        self._out: list[Output] = []
        self.now: datetime
        self.legs: list[Leg] = []
        self.attributes: dict[str, Any] | None = None
        self.invocations = Invocations(switches, self.put, self._drop)
        self.actions = ActionList(self)
        self.listeners: dict[str, ReceiveDigits] = {}
        self.over = False
        self._to_dial: Dial | None = None

    # -- what the outside uses
    def handle(self, now: datetime, message: Input) -> list[Output]:
        self.now, self._out = now, []
        self._dispatch(message)
        if self.legs and not self.over and all(leg.ended for leg in self.legs):
            self._finish()
        return self._out

    @property
    def updatable(self) -> bool:
        """An update of this call is accepted (else 404)."""
        if self.over:
            return False
        return self.switches.update_while_ringing or any(leg.up for leg in self.legs)

    def leg(self, tag: Tag) -> Leg | None:
        return next((leg for leg in self.legs if leg.tag is tag), None)

    def _dispatch(self, message: Input) -> None:
        current = self.actions.current
        match message:
            case Placed(arguments):
                self._placed(arguments)
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
    def _placed(self, arguments: Mapping[str, str] | None) -> None:
        if self.legs:
            return
        shown, to = self._first
        leg = Leg(self.new_id(), Tag.A, shown, to, "Outbound", self.now)
        self.legs.append(leg)
        self._to_dial = Dial(leg.call_id, Tag.A.value, shown, to, self.switches.network_ring_limit)
        data = None
        if arguments is not None:
            data = {"Type": "CallCreateRequest", "Parameters": {"Arguments": dict(arguments)}}
        sequence = self.tell(events.NEW_OUTBOUND_CALL, leg.call_id, data)
        if sequence is None or not self.switches.dial_waits_for_first_answer:
            self._dial_first()

    def _dial_first(self) -> None:
        if self._to_dial and not self.over:
            self.put(self._to_dial)
        self._to_dial = None

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
                self._ended(leg, code)
            case DialRefused(reason=reason) if current:
                current.dial_refused(reason)
            case DigitPressed(digit=digit) if leg.up:
                if not (current and current.digit(leg, digit)) and leg.call_id in self.listeners:
                    self.listeners[leg.call_id].heard(digit)
            case _:
                pass

    def _ended(self, leg: Leg, sip_code: int) -> int | None:
        """A leg is over, by whomever: its action is cut, its recording closed, HANGUP told. Gives HANGUP's sequence."""
        leg.state = LegState.ENDED
        self._to_dial = None
        listener = self.listeners.pop(leg.call_id, None)
        if listener:
            listener.silence()
        if leg.recording_id:
            self.put(CloseRecording(leg.recording_id))
            leg.recording_id = None
        self.actions.leg_ended(leg, sip_code)
        data = events.hangup_data(leg, sip_code)
        sequence = self.tell(events.HANGUP, leg.call_id, data)
        leg.listed = self.switches.ended_legs_stay
        return sequence

    def _finish(self) -> None:
        self.over = True
        self.invocations.closing = True
        self.actions.clear()
        self.put(CancelTimer("patience"))
        self.put(Over())

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
                self._drop("the answer to INVALID_LAMBDA_RESPONSE was invalid too")
                return
            told = self.tell(events.INVALID_LAMBDA_RESPONSE, about, error=(reply.error_type, reply.message))
            if self.actions.waits_for == sequence:
                self.actions.waits_for = told
        elif reply.attributes is not None:
            self.attributes = reply.attributes
        if invocation.type == events.NEW_OUTBOUND_CALL:
            self._dial_first()
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

    def _drop(self, reason: str) -> None:
        """The Lambda is of no use: every leg ends."""
        if self.over:
            return
        self.put(Log(reason))
        self.over = True
        self.actions.clear()
        self.put(CancelTimer("patience"))
        for leg in self.legs:
            if not leg.ended:
                if self._to_dial is None:
                    self.put(HangUp(leg.call_id, UNAVAILABLE))
                leg.state = LegState.ENDED
                if leg.recording_id:
                    self.put(CloseRecording(leg.recording_id))
                if self.switches.hangup_after_drop:
                    self.tell(events.HANGUP, leg.call_id, events.hangup_data(leg, UNAVAILABLE))
        self._to_dial = None
        self._finish()

    def _timer(self, name: str) -> None:
        what, _, rest = name.partition(":")
        if what in ("repeat", "drop", "release") and rest.isdigit():
            self.invocations.timer(what, int(rest))
        elif what == "patience" and self.legs and self.legs[0].state is LegState.RINGING:
            self.put(HangUp(self.legs[0].call_id, UNAVAILABLE))
            self._ended(self.legs[0], UNAVAILABLE)
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

    # -- what actions and the list use (acts.base.Stage)
    def put(self, output: Output) -> None:
        self._out.append(output)

    def done(self, result: Mapping[str, Any] | None = None) -> None:
        self.actions.done(result)

    def failed(self, fault: Fault) -> None:
        self.actions.failed(fault)

    def rang(self, leg: Leg) -> None:
        self.tell(events.RINGING, leg.call_id)

    def listen(self, leg: Leg, performance: Performance) -> None:
        if isinstance(performance, ReceiveDigits):
            if leg.call_id in self.listeners:
                self.listeners[leg.call_id].silence()
            self.listeners[leg.call_id] = performance

    def open_second_leg(self, shown: str, to: str) -> Leg:
        self.legs = [leg for leg in self.legs if leg.tag is not Tag.B]
        leg = Leg(self.new_id(), Tag.B, shown, to, "Outbound", self.now, listed=False)
        self.legs.append(leg)
        return leg

    def forget_leg(self, leg: Leg) -> None:
        """A second leg that never answered: it ends without a HANGUP of its own."""
        leg.state, leg.listed = LegState.ENDED, False

    def end_leg(self, leg: Leg, sip_code: int) -> None:
        """The running Hangup ends this leg."""
        hangup = self.actions.current
        self.put(HangUp(leg.call_id, sip_code))
        if hangup is None:
            return
        self.actions.current = None
        leg.state = LegState.ENDED
        when = self.switches.hangup_success
        told: int | None = None
        if when == "before":
            told = self._hangup_success(hangup, leg)
        ended = self._ended(leg, sip_code)
        if when == "after":
            told = self._hangup_success(hangup, leg)
        held = any(each.sequence == ended for each in self.invocations.held)
        waits_for = told if when != "none" else (None if held else ended)
        if all(each.ended for each in self.legs):
            return
        self.actions.hung_up(waits_for)

    def _hangup_success(self, hangup: Performance, leg: Leg) -> int | None:
        data = hangup.data()
        return self.tell(events.ACTION_SUCCESSFUL, leg.call_id, data)

    def tell(
        self,
        event_type: str,
        about: str | None,
        data: Mapping[str, Any] | None = None,
        error: tuple[str, str] | None = None,
    ) -> int | None:
        """Send an event to the Lambda. None: it is lost, so no answer will come."""
        self.invocations.sequence += 1
        sequence = self.invocations.sequence
        shown = [leg for leg in self.legs if leg.listed]
        body = events.event(self.identity, sequence, event_type, shown, self.attributes, data, error)
        hold = self._hold(event_type)
        overtakes = self.switches.reordering == "neighbours" or event_type == events.HANGUP
        sent = self.invocations.send(Invocation(sequence, event_type, about, body), hold=hold, overtakes=overtakes)
        return sequence if sent else None

    def _hold(self, event_type: str) -> float | None:
        """How long this event may be overtaken; None: it is delivered at once."""
        if event_type in (events.NEW_OUTBOUND_CALL, events.NEW_INBOUND_CALL):
            return None
        if self.switches.reordering == "neighbours":
            return self.switches.reordering_window
        if (
            event_type == events.HANGUP
            and self.switches.hangup_order == "reversed"
            and any(leg.up for leg in self.legs)
        ):
            return self.switches.hangup_hold
        return None
