"""The state of one call, and what its actions and its list may do to it (`acts.base.Stage`).

`engine` decides what an input means; here is how a leg ends, how an event is told, how a call is given up.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pstn import events
from pstn.action_list import ActionList
from pstn.acts import Performance
from pstn.acts.base import Fault
from pstn.acts.digits import ReceiveDigits
from pstn.events import CallIdentity
from pstn.invocations import Invocation, Invocations
from pstn.legs import Leg, LegState, Tag
from pstn.messages import CancelTimer, CloseRecording, Dial, HangUp, Log, Output, Over
from pstn.switches import Switches

UNAVAILABLE = 480
"""What a call ends with when its Lambda gave no answer (timeouts page)."""


class Call:
    """Leg A, at most one leg B at a time, the stored attributes and the list of actions."""

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
        self.invocations = Invocations(switches, self.put, self.drop)
        self.actions = ActionList(self)
        self.listeners: dict[str, ReceiveDigits] = {}
        self.over = False
        self._to_dial: Dial | None = None

    def leg(self, tag: Tag) -> Leg | None:
        return next((leg for leg in self.legs if leg.tag is tag), None)

    def dial_first(self) -> None:
        if self._to_dial and not self.over:
            self.put(self._to_dial)
        self._to_dial = None

    # -- how things end
    def ended(self, leg: Leg, sip_code: int) -> int | None:
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

    def finish(self) -> None:
        self.over = True
        self.invocations.closing = True
        self.actions.clear()
        self.put(CancelTimer("patience"))
        self.put(Over())

    def drop(self, reason: str) -> None:
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
        self.finish()

    # -- what actions and the list use (acts.base.Stage)
    def put(self, output: Output) -> None:
        self._out.append(output)

    def done(self, result: Mapping[str, Any] | None = None) -> None:
        self.actions.done(result)

    def failed(self, fault: Fault) -> None:
        self.actions.failed(fault)

    def rang(self, leg: Leg) -> None:
        """A network may say 180 more than once; it is told once."""
        if not leg.rang:
            leg.rang = True
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
        ended = self.ended(leg, sip_code)
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
