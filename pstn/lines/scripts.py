"""Scripted phones: when each one rings, answers, presses digits and hangs up, and the log of it.

Rule 1: scripts are interpreted here only. How a phone is made to do something is up to the subclass (the methods at the
end).
Rule 2: what happened is logged and reported when it happened (`_rang`, `_answered`, …), whatever caused it.

A phone in a call is busy for the next caller.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pstn.clocks import Clock
from pstn.lines import AudioFile, LineListener
from pstn.lines.phone_state import Phone, PhoneCall, Phones

DECLINED = 603
"""RFC 3261 §21.6.2."""


class ScriptedLine(ABC):
    """The call log and the scripts of a line (`lines.Line`); subclasses control the phones."""

    def __init__(
        self, clock: Clock, listener: LineListener, phones: Phones, post_dial_delay: Callable[[], float]
    ) -> None:
        """`post_dial_delay()`: the current delay from a dial to the first response of the far end, in seconds."""
        self.post_dial_delay = post_dial_delay
        self.clock = clock
        self.listener = listener
        self.phones = phones
        self.calls: dict[str, PhoneCall] = {}

    # -- what the exchange asks for (lines.Line)
    def dial(
        self, call_id: str, caller_id: str, to: str, sip_headers: Mapping[str, str], beside: str | None = None
    ) -> None:
        call = self._called(call_id, caller_id, to)
        call.sip_headers = dict(sip_headers)
        self._place(call)

    def arrived(self, call_id: str, number: str, to: str, caller_id: str) -> None:
        call = self._new_call(self.phones[number], call_id, to)
        call.incoming, call.caller_id = False, caller_id
        self._call_service(call)

    def picked_up(self, call_id: str) -> None:
        call = self._live(call_id)
        if call:
            self._begin(call)

    def hang_up(self, call_id: str, sip_code: int) -> None:
        call = self._live(call_id)
        if call:
            self._ended(call, "network", sip_code)

    def play(self, call_id: str, play_id: str, name: str, audio: AudioFile, times: int | None) -> None:
        call = self._live(call_id)
        if not call:
            return
        if call.vanished_at is None:
            call.heard.append((self.clock.now(), name))
            self._note(call, "heard", what=name)
            if call.scripted and call.phone.behaviour.press_when == "prompt":
                self._press_soon(call)
        call.plays[play_id] = None
        self._play(call, play_id, audio, times)

    def stop(self, call_id: str, play_id: str) -> None:
        call = self.calls.get(call_id)
        if call and play_id in call.plays:
            timer = call.plays.pop(play_id)
            if timer:
                timer.cancel()
            self._note(call, "stopped")

    def send_digit(self, call_id: str, digit: str, seconds: float) -> None:
        call = self._live(call_id)
        if call and call.up:
            self._send_tone(call, digit)

    def join(self, call_id: str, other_id: str) -> None:
        one, two = self.calls.get(call_id), self.calls.get(other_id)
        if one and two:
            one.peer, two.peer = other_id, call_id
            self._joined(one, two.phone.number)
            self._joined(two, one.phone.number)

    def mute(self, call_id: str, muted: bool) -> None:
        call = self.calls.get(call_id)
        if call is None:
            return
        now = self.clock.now()
        if muted:
            call.muted.append((now, None))
        elif call.muted and call.muted[-1][1] is None:
            call.muted[-1] = (call.muted[-1][0], now)

    def other_rings(self, call_id: str) -> None:
        call = self.calls.get(call_id)
        if call and call.scripted and call.phone.behaviour.patience is not None:
            self._later(call, call.phone.behaviour.patience, lambda: self._leave_unless_joined(call))

    def leave(self, call_id: str) -> None:
        call = self.calls.get(call_id)
        if call and call.scripted and call.up and call.vanished_at is None:
            self._leave(call)

    def forget(self, call_id: str) -> None:
        call = self.calls.pop(call_id, None)
        if call:
            call.phone.calls[:] = [each for each in call.phone.calls if each is not call]

    # -- what a person does
    def press(self, number: str, digits: str) -> bool:
        call = self.phones[number].current
        if call is None or not call.up or not call.scripted:
            return False
        for digit in digits:
            self._press(call, digit)
        return True

    def hang_up_by_hand(self, number: str) -> bool:
        call = self.phones[number].current
        if call is None or not call.scripted:
            return False
        self._leave(call)
        return True

    # -- what happened
    def _new_call(self, phone: Phone, call_id: str, saw: str) -> PhoneCall:
        call = PhoneCall(phone, call_id, saw, self.clock.now())
        phone.calls.append(call)
        self.calls[call_id] = call
        return call

    def _called(self, call_id: str, caller: str, number: str) -> PhoneCall:
        phone = self.phones[number]
        engaged = phone.current is not None
        call = self._new_call(phone, call_id, caller)
        call.engaged = engaged
        self._note(call, "called", shown=caller)
        return call

    def _live(self, call_id: str) -> PhoneCall | None:
        call = self.calls.get(call_id)
        return call if call and call.ended_at is None else None

    def _rang(self, call: PhoneCall) -> None:
        call.rang_at = self.clock.now()
        self._note(call, "rang", shown=call.saw)
        self.listener.rang(call.call_id)

    def _answered(self, call: PhoneCall) -> None:
        self._begin(call)
        self.listener.answered(call.call_id)

    def _begin(self, call: PhoneCall) -> None:
        call.answered_at = self.clock.now()
        self._note(call, "picked_up")
        if not call.scripted:
            return
        script = call.phone.behaviour
        if script.stays is not None:
            self._later(call, script.stays, lambda: self._leave(call))
        if script.press_when == "answer":
            self._press_soon(call)

    def _joined(self, call: PhoneCall, other: str) -> None:
        """`other`: the other party's number."""
        call.joined.append((other, self.clock.now(), None))
        self._note(call, "joined", other=other)
        if not call.scripted:
            return
        script = call.phone.behaviour
        if script.talks is not None:
            self._later(call, script.talks, lambda: self._leave(call))
        if script.vanishes is not None:
            self._later(call, script.vanishes, lambda: self._vanish(call))
        if script.press_when == "join":
            self._press_soon(call)

    def _pressed(self, call: PhoneCall, digit: str) -> None:
        if call.up and call.vanished_at is None:
            call.pressed.append((self.clock.now(), digit))
            self._note(call, "pressed", digit=digit)
            self.listener.pressed(call.call_id, digit)

    def _received(self, call: PhoneCall, digit: str) -> None:
        if call.up and call.vanished_at is None:
            call.received.append((self.clock.now(), digit))
            self._note(call, "received", digit=digit)

    def _vanished(self, call: PhoneCall) -> None:
        call.vanished_at = self.clock.now()
        for timer in call.timers:
            timer.cancel()
        self._note(call, "vanished")

    def _played(self, call: PhoneCall, play_id: str) -> None:
        if play_id in call.plays and call.ended_at is None:
            del call.plays[play_id]
            self.listener.playback_finished(call.call_id, play_id)

    def _ended(self, call: PhoneCall, by: str, sip_code: int, *, tell: bool = False) -> None:
        """`by` self:

        the phone hung up, so tell the exchange; network: the exchange asked for it, or (`tell`) lost it.
        """
        if call.ended_at:
            return
        now = self.clock.now()
        call.ended_at, call.ended_by, call.sip_code = now, by, sip_code
        for timer in [*call.timers, *(play for play in call.plays.values() if play)]:
            timer.cancel()
        call.plays.clear()
        self.mute(call.call_id, False)
        self._unjoin(call, now)
        self._note(call, "ended", by=by, sip_code=sip_code, incoming=call.incoming)
        if tell or by == "self":
            self.listener.ended(call.call_id, sip_code)

    def _unjoin(self, call: PhoneCall, now: datetime) -> None:
        other = self.calls[call.peer] if call.peer else None
        for each in (call, other):
            if each and each.joined and each.joined[-1][2] is None:
                number, since, _ = each.joined[-1]
                each.joined[-1] = (number, since, now)
        if other is None:
            return
        patience = other.phone.behaviour.leaves_after_peer
        if other.scripted and other.ended_at is None and other.vanished_at is None and patience is not None:
            self._later(other, patience, lambda: self._leave(other))

    # -- steps of a script
    def _follow(self, call: PhoneCall) -> None:
        """Once it is dialled: ring, refuse or answer."""
        script, delay = call.phone.behaviour, self.post_dial_delay()
        if call.rings:
            self._later(call, delay, lambda: self._ring(call))
        if (code := call.refusal) is not None:
            wait = 0.0 if call.engaged else script.after
            self._later(call, delay + wait, lambda: self._refuse(call, code))
        elif script.kind == "answers":
            self._later(call, delay + script.after, lambda: self._answer(call))

    def _press_soon(self, call: PhoneCall) -> None:
        for index, digit in enumerate(call.phone.behaviour.presses):
            self._later(call, call.phone.behaviour.press_after + 0.3 * index, self._press_key(call, digit))

    def _press_key(self, call: PhoneCall, digit: str) -> Callable[[], None]:
        return lambda: self._press(call, digit)

    def _leave_unless_joined(self, call: PhoneCall) -> None:
        if not call.joined:
            self._leave(call)

    def _later(self, call: PhoneCall, seconds: float, run: Callable[[], None]) -> None:
        call.timers.append(self.listener.later(seconds, run))

    def _note(self, call: PhoneCall, kind: str, **detail: Any) -> None:
        self.listener.note(kind, call.phone.number, call_id=call.call_id, **detail)

    # -- how a line controls a phone
    @abstractmethod
    def _place(self, call: PhoneCall) -> None:
        """Call this phone."""

    @abstractmethod
    def _call_service(self, call: PhoneCall) -> None:
        """Let this phone call the number that it `saw`."""

    @abstractmethod
    def _ring(self, call: PhoneCall) -> None: ...
    @abstractmethod
    def _refuse(self, call: PhoneCall, sip_code: int) -> None: ...
    @abstractmethod
    def _answer(self, call: PhoneCall) -> None: ...
    @abstractmethod
    def _leave(self, call: PhoneCall) -> None:
        """Hang up, or decline if it is ringing."""

    @abstractmethod
    def _press(self, call: PhoneCall, digit: str) -> None: ...
    @abstractmethod
    def _send_tone(self, call: PhoneCall, digit: str) -> None:
        """Send the phone a digit, which it will have `_received`."""

    @abstractmethod
    def _vanish(self, call: PhoneCall) -> None: ...
    @abstractmethod
    def _play(self, call: PhoneCall, play_id: str, audio: AudioFile, times: int | None) -> None: ...
