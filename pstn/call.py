"""The state of one call, and what its actions and its action list may do to it (`actions.base.CallContext`).

`engine` decides what an input means. Here is how a leg opens and ends, how an event is sent, how a call is dropped.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from pstn import events
from pstn.action_list import ActionList
from pstn.actions import RunningAction
from pstn.actions.base import ActionError
from pstn.actions.digits import ReceiveDigits
from pstn.events import CallIdentity
from pstn.invocations import Invocation, Invocations
from pstn.legs import Leg, LegState, Tag
from pstn.messages import CallOver, CloseRecording, Dial, HangUp, Log, Output
from pstn.switches import Switches

UNAVAILABLE = 480
"""What a call ends with when its Lambda did not answer (timeouts page)."""


class Call:
    """Leg A, at most one leg B at a time, the stored attributes and the action list.

    `caller_id` and `to`: the numbers of leg A. `owns`: whether a number is the account's. `now` and `outputs` are set
    by the engine before each input.
    """

    def __init__(
        self,
        identity: CallIdentity,
        switches: Switches,
        new_id: Callable[[], str],
        owns: Callable[[str], bool],
        caller_id: str,
        to: str,
    ) -> None:
        self.identity = identity
        self.switches = switches
        self.new_id = new_id
        self.owns = owns
        self.now: datetime
        self.outputs: list[Output] = []
        self.legs: list[Leg] = []
        self.attributes: dict[str, Any] | None = None
        self.invocations = Invocations(switches, self.emit, self.drop)
        self.actions = ActionList(self)
        self.digit_listeners: dict[str, ReceiveDigits] = {}
        self.pending_dial: Dial | None = None
        """Leg A is dialled only once the first event was answered."""
        self.over = False
        self._leg_a_numbers = (caller_id, to)

    @property
    def updatable(self) -> bool:
        """Whether the service accepts an update of this call (else 404)."""
        if self.over:
            return False
        return self.switches.update_while_ringing or any(leg.up for leg in self.legs)

    def leg(self, tag: Tag) -> Leg | None:
        return next((leg for leg in self.legs if leg.tag is tag), None)

    def open_leg_a(self, direction: Literal["Inbound", "Outbound"], sip_headers: dict[str, str] | None = None) -> Leg:
        leg = Leg(self.new_id(), Tag.A, *self._leg_a_numbers, direction, self.now, sip_headers=sip_headers)
        self.legs.append(leg)
        return leg

    def dial_leg_a(self) -> None:
        if self.pending_dial and not self.over:
            self.emit(self.pending_dial)
        self.pending_dial = None

    # -- how things end
    def leg_ended(self, leg: Leg, sip_code: int) -> int | None:
        """Whichever side ended it: abort its action, close its recording, send HANGUP. Returns HANGUP's sequence."""
        leg.state = LegState.ENDED
        self.pending_dial = None
        listener = self.digit_listeners.pop(leg.call_id, None)
        if listener:
            listener.reset()
        if leg.recording_id:
            self.emit(CloseRecording(leg.recording_id))
            leg.recording_id = None
        self.actions.leg_ended(leg, sip_code)
        data = events.hangup_data(leg, sip_code)
        sequence = self.send_event(events.HANGUP, leg.call_id, data)
        leg.listed = self.switches.ended_legs_stay
        return sequence

    def finish(self) -> None:
        self.over = True
        self.invocations.closing = True
        self.actions.clear()
        for listener in self.digit_listeners.values():
            listener.reset()
        self.emit(CallOver())

    def drop(self, reason: str) -> None:
        """End every leg, because the Lambda cannot be used or the service ends."""
        if self.over:
            return
        self.emit(Log(reason))
        self.over = True
        self.actions.clear()
        for leg in self.legs:
            if not leg.ended:
                if self.pending_dial is None:
                    self.emit(HangUp(leg.call_id, UNAVAILABLE))
                leg.state = LegState.ENDED
                if leg.recording_id:
                    self.emit(CloseRecording(leg.recording_id))
                if self.switches.hangup_after_drop:
                    self.send_event(events.HANGUP, leg.call_id, events.hangup_data(leg, UNAVAILABLE))
        self.pending_dial = None
        self.finish()

    # -- what actions and the action list use (actions.base.CallContext)
    def emit(self, output: Output) -> None:
        self.outputs.append(output)

    def done(self, result: Mapping[str, Any] | None = None) -> None:
        self.actions.done(result)

    def failed(self, error: ActionError) -> None:
        self.actions.failed(error)

    def report_ringing(self, leg: Leg) -> None:
        """Once per leg: a network may send 180 more than once."""
        if not leg.rang:
            leg.rang = True
            self.send_event(events.RINGING, leg.call_id)

    def listen_for_digits(self, leg: Leg, listener: RunningAction) -> None:
        if isinstance(listener, ReceiveDigits):
            if leg.call_id in self.digit_listeners:
                self.digit_listeners[leg.call_id].reset()
            self.digit_listeners[leg.call_id] = listener

    def open_leg_b(self, caller_id: str, to: str) -> Leg:
        self.legs = [leg for leg in self.legs if leg.tag is not Tag.B]
        leg = Leg(self.new_id(), Tag.B, caller_id, to, "Outbound", self.now, listed=False)
        self.legs.append(leg)
        return leg

    def forget_leg(self, leg: Leg) -> None:
        """A leg B that never answered: it ends without a HANGUP event."""
        leg.state, leg.listed = LegState.ENDED, False

    def end_leg(self, leg: Leg, sip_code: int) -> None:
        """The running Hangup action ends this leg."""
        hangup = self.actions.current
        self.emit(HangUp(leg.call_id, sip_code))
        if hangup is None:
            return
        self.actions.current = None
        leg.state = LegState.ENDED
        when = self.switches.hangup_success
        if when == "bridged_leg_b":
            other_up = any(other.up for other in self.legs if other is not leg)
            when = "after" if leg.tag is Tag.B and other_up else "none"
        success: int | None = None
        if when == "before":
            success = self._hangup_success(hangup, leg)
        ended = self.leg_ended(leg, sip_code)
        if when == "after":
            success = self._hangup_success(hangup, leg)
        held = any(each.sequence == ended for each in self.invocations.held)
        waits_for = success if when != "none" else (None if held else ended)
        if all(each.ended for each in self.legs):
            self.actions.clear()  # a call without legs runs nothing
            return
        self.actions.hung_up(waits_for)

    def _hangup_success(self, hangup: RunningAction, leg: Leg) -> int | None:
        return self.send_event(events.ACTION_SUCCESSFUL, leg.call_id, hangup.data())

    def send_event(
        self,
        event_type: str,
        about: str | None,
        data: Mapping[str, Any] | None = None,
        error: tuple[str, str] | None = None,
    ) -> int | None:
        """Send an event to the Lambda; returns its sequence. None: the event is lost, so no answer will come."""
        self.invocations.sequence += 1
        sequence = self.invocations.sequence
        listed = [leg for leg in self.legs if leg.listed]
        body = events.event(self.identity, sequence, event_type, listed, self.attributes, data, error)
        hold = self._hold(event_type)
        overtakes = self.switches.reordering == "neighbours" or event_type == events.HANGUP
        sent = self.invocations.send(Invocation(sequence, event_type, about, body), hold=hold, overtakes=overtakes)
        return sequence if sent else None

    def _hold(self, event_type: str) -> float | None:
        """For how long this event may be overtaken; None: it is delivered at once."""
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
