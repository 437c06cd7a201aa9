"""Phones by script: no sound, but everything a person would have noticed, with the time it happened.

A phone in a call is busy to the next caller. Times are the clock's, so a call of hours takes no time on a clock that
jumps.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lab.pstn.clocks import Clock
from lab.pstn.lines import AudioFile, LineListener
from lab.pstn.lines.behaviours import (
    Behaviour,
    answers,
    busy,
    hangs_up_while_other_rings,
    invalid,
    never_answers,
    planned,
    rejects,
    vanishes,
)
from lab.pstn.lines.phones import Phone, PhoneCall, Phones

__all__ = [
    "Behaviour",
    "Phone",
    "PhoneCall",
    "Phones",
    "VirtualLine",
    "answers",
    "busy",
    "hangs_up_while_other_rings",
    "invalid",
    "never_answers",
    "planned",
    "rejects",
    "vanishes",
]


class VirtualLine:
    """Plays every phone's script on the clock and tells the exchange what a network would."""

    def __init__(
        self, clock: Clock, listener: LineListener, phones: Phones, post_dial_delay: Callable[[], float]
    ) -> None:
        """`post_dial_delay`: seconds from a dial to the first sign of the far end, at the moment."""
        self.post_dial_delay = post_dial_delay
        self.clock = clock
        self.listener = listener
        self.phones = phones
        self.calls: dict[str, PhoneCall] = {}

    # -- what the exchange asks (lines.Line)
    def dial(self, call_id: str, shown: str, to: str, sip_headers: Mapping[str, str]) -> None:
        phone = self.phones[to]
        engaged = phone.current is not None
        call = self._new_call(phone, call_id, shown)
        call.sip_headers = dict(sip_headers)
        self._note(call, "called", shown=shown)
        script = phone.behaviour
        refusal = 486 if engaged else script.refusal
        if script.rings and not engaged:
            self._later(call, self.post_dial_delay(), lambda: self._ring(call))
        if refusal is not None:
            wait = 0.0 if engaged else script.after
            self._later(call, self.post_dial_delay() + wait, lambda: self._end(call, "self", refusal))
        elif script.kind == "answers":
            self._later(call, self.post_dial_delay() + script.after, lambda: self._answer(call))

    def arrived(self, call_id: str, number: str, to: str) -> None:
        """This phone calls the service."""
        call = self._new_call(self.phones[number], call_id, to)
        call.incoming = False

    def picked_up(self, call_id: str) -> None:
        call = self.calls.get(call_id)
        if call and call.ended_at is None:
            self._begin(call)

    def hang_up(self, call_id: str, sip_code: int) -> None:
        call = self.calls.get(call_id)
        if call:
            self._end(call, "network", sip_code)

    def play(self, call_id: str, play_id: str, name: str, audio: AudioFile, times: int | None) -> None:
        call = self.calls.get(call_id)
        if not call or call.ended_at:
            return
        if call.vanished_at is None:
            call.heard.append((self.clock.now(), name))
            self._note(call, "heard", what=name)
            if call.phone.behaviour.press_when == "prompt":
                self._press_soon(call)
        over = None
        if times is not None:
            over = self.listener.later(audio.seconds * times, lambda: self._played(call, play_id))
        call.plays[play_id] = over

    def stop(self, call_id: str, play_id: str) -> None:
        call = self.calls.get(call_id)
        if call and play_id in call.plays:
            timer = call.plays.pop(play_id)
            if timer:
                timer.cancel()
            self._note(call, "stopped")

    def join(self, call_id: str, other_id: str) -> None:
        one, two = self.calls.get(call_id), self.calls.get(other_id)
        if one and two:
            self._joined(one, two)
            self._joined(two, one)

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
        if call and call.phone.behaviour.patience is not None:
            self._later(call, call.phone.behaviour.patience, lambda: self._lose_patience(call))

    def leave(self, call_id: str) -> None:
        call = self.calls.get(call_id)
        if call and call.up and call.vanished_at is None:
            self._end(call, "self", 0)

    # -- what a person does by hand
    def press(self, number: str, digits: str) -> bool:
        call = self.phones[number].current
        if call is None or not call.up:
            return False
        for digit in digits:
            self._press(call, digit)
        return True

    def hang_up_by_hand(self, number: str) -> bool:
        """Hang up, or decline what rings. False: there was nothing to hang up."""
        call = self.phones[number].current
        if call is None:
            return False
        self._end(call, "self", 603 if call.incoming and not call.up else 0)
        return True

    # -- the script's steps
    def _new_call(self, phone: Phone, call_id: str, saw: str) -> PhoneCall:
        call = PhoneCall(phone, call_id, saw, self.clock.now())
        phone.calls.append(call)
        self.calls[call_id] = call
        return call

    def _ring(self, call: PhoneCall) -> None:
        call.rang_at = self.clock.now()
        self._note(call, "rang", shown=call.saw)
        self.listener.rang(call.call_id)

    def _answer(self, call: PhoneCall) -> None:
        self._begin(call)
        self.listener.answered(call.call_id)

    def _begin(self, call: PhoneCall) -> None:
        call.answered_at = self.clock.now()
        self._note(call, "picked_up")
        script = call.phone.behaviour
        if script.stays is not None:
            self._later(call, script.stays, lambda: self._end(call, "self", 0))
        if script.press_when == "answer":
            self._press_soon(call)

    def _joined(self, call: PhoneCall, other: PhoneCall) -> None:
        call.peer = other.call_id
        call.joined.append((other.phone.number, self.clock.now(), None))
        self._note(call, "joined", other=other.phone.number)
        script = call.phone.behaviour
        if script.talks is not None:
            self._later(call, script.talks, lambda: self._end(call, "self", 0))
        if script.vanishes is not None:
            self._later(call, script.vanishes, lambda: self._vanish(call))
        if script.press_when == "join":
            self._press_soon(call)

    def _press_soon(self, call: PhoneCall) -> None:
        for index, digit in enumerate(call.phone.behaviour.presses):
            self._later(call, call.phone.behaviour.press_after + 0.3 * index, self._press_key(call, digit))

    def _press_key(self, call: PhoneCall, digit: str) -> Callable[[], None]:
        return lambda: self._press(call, digit)

    def _press(self, call: PhoneCall, digit: str) -> None:
        if call.up and call.vanished_at is None:
            call.pressed.append((self.clock.now(), digit))
            self._note(call, "pressed", digit=digit)
            self.listener.pressed(call.call_id, digit)

    def _lose_patience(self, call: PhoneCall) -> None:
        if not call.joined:
            self._end(call, "self", 0)

    def _vanish(self, call: PhoneCall) -> None:
        call.vanished_at = self.clock.now()
        for timer in call.timers:
            timer.cancel()
        self._note(call, "vanished")
        if call.phone.behaviour.noticed is not None:
            self._later(call, call.phone.behaviour.noticed, lambda: self._end(call, "network", 0, tell=True))

    def _played(self, call: PhoneCall, play_id: str) -> None:
        if call.plays.pop(play_id, None) is not None and call.ended_at is None:
            self.listener.playback_finished(call.call_id, play_id)

    def _end(self, call: PhoneCall, by: str, sip_code: int, *, tell: bool = False) -> None:
        """`by` self: the phone left, and the exchange is told; network: the exchange said so, or (`tell`) lost it."""
        if call.ended_at:
            return
        now = self.clock.now()
        call.ended_at, call.ended_by, call.sip_code = now, by, sip_code
        for timer in [*call.timers, *(play for play in call.plays.values() if play)]:
            timer.cancel()
        call.plays.clear()
        self.mute(call.call_id, False)
        self._part(call, now)
        self._note(call, "ended", by=by, sip_code=sip_code)
        if tell or by == "self":
            self.listener.ended(call.call_id, sip_code)

    def _part(self, call: PhoneCall, now: datetime) -> None:
        if call.peer is None:
            return
        other = self.calls[call.peer]
        for each in (call, other):
            if each.joined and each.joined[-1][2] is None:
                number, since, _ = each.joined[-1]
                each.joined[-1] = (number, since, now)
        patience = other.phone.behaviour.leaves_after_peer
        if other.ended_at is None and other.vanished_at is None and patience is not None:
            self._later(other, patience, lambda: self._end(other, "self", 0))

    def _later(self, call: PhoneCall, seconds: float, run: Callable[[], None]) -> None:
        call.timers.append(self.listener.later(seconds, run))

    def _note(self, call: PhoneCall, kind: str, **detail: Any) -> None:
        self.listener.note(kind, call.phone.number, call_id=call.call_id, **detail)
