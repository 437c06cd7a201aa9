"""Phones that are scripts only: no audio, but a log of everything that a person would notice, and when.

Times are the clock's, so a call of hours takes no time on a jumping clock.
"""

from collections.abc import Callable
from typing import BinaryIO

from pstn.clocks import Clock
from pstn.lines import AudioFile, LineListener
from pstn.lines.behaviours import (
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
from pstn.lines.phone_state import Phone, PhoneCall, Phones
from pstn.lines.scripts import DECLINED, ScriptedLine
from pstn.messages import Silence

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

UNAVAILABLE, NOT_IMPLEMENTED = 480, 501
"""RFC 3261 §21.4.18, §21.5.2."""


class VirtualLine(ScriptedLine):
    """What a script does takes effect at once; a prompt lasts as long as its file."""

    def __init__(
        self, clock: Clock, listener: LineListener, phones: Phones, post_dial_delay: Callable[[], float]
    ) -> None:
        super().__init__(clock, listener, phones, post_dial_delay)
        self._loops: dict[str, str] = {}
        """The two legs of each call that the service dialled and the network led back to it, in both directions."""

    def picked_up(self, call_id: str) -> None:
        super().picked_up(call_id)
        self._at_other_end(call_id, self._answered)

    def hang_up(self, call_id: str, sip_code: int) -> None:
        def end(other: PhoneCall) -> None:
            unanswered = other.incoming and not other.up
            self._ended(other, "network", (sip_code or UNAVAILABLE) if unanswered else 0, tell=True)

        super().hang_up(call_id, sip_code)
        self._at_other_end(call_id, end)

    def forget(self, call_id: str) -> None:
        super().forget(call_id)
        self._loops.pop(call_id, None)

    def record(self, call_id: str, recording_id: str, track: str, silence: Silence | None) -> None:
        """There is no audio: `recordings` makes a synthetic file, and a script says when its phone falls silent."""
        call = self._live(call_id)
        if call and silence and call.phone.behaviour.speaks is not None:
            seconds = call.phone.behaviour.speaks + silence.seconds
            self._later(call, seconds, lambda: self.listener.fell_silent(call_id, recording_id))

    def pause_recording(self, call_id: str, recording_id: str, paused: bool) -> None: ...
    def finish_recording(self, call_id: str, recording_id: str) -> None: ...
    def recorded(self, recording_id: str) -> BinaryIO | None:
        return None

    def call_phone(self, number: str, to: str, caller_id: str) -> int | None:
        """Scripts alone call the service only."""
        return NOT_IMPLEMENTED

    def close(self) -> None: ...

    def _place(self, call: PhoneCall) -> None:
        if self.listener.takes_calls(call.phone.number):
            call.scripted = False
            self._later(call, self.post_dial_delay(), lambda: self._lead_back(call))
        else:
            self._follow(call)

    def _lead_back(self, call: PhoneCall) -> None:
        number = call.phone.number
        call_id = self.listener.arrives(call.saw, number, call.sip_headers, via=call.call_id)
        if call_id is None:
            self._ended(call, "network", UNAVAILABLE, tell=True)
            return
        other = self._new_call(self.phones[call.saw], call_id, number)
        other.incoming = other.scripted = False
        self._loops |= {call.call_id: call_id, call_id: call.call_id}
        self._rang(call)

    def _at_other_end(self, call_id: str, do: Callable[[PhoneCall], None]) -> None:
        """Once this event has been handled."""
        other = self._live(self._loops.get(call_id, ""))
        if other:
            self._later(other, 0, lambda: do(other))

    def _call_service(self, call: PhoneCall) -> None:
        """Nothing to do: the exchange already knows of the call."""

    def _ring(self, call: PhoneCall) -> None:
        self._rang(call)

    def _refuse(self, call: PhoneCall, sip_code: int) -> None:
        self._ended(call, "self", sip_code)

    def _answer(self, call: PhoneCall) -> None:
        self._answered(call)

    def _leave(self, call: PhoneCall) -> None:
        self._ended(call, "self", DECLINED if call.incoming and not call.up else 0)

    def _press(self, call: PhoneCall, digit: str) -> None:
        self._pressed(call, digit)

    def _send_tone(self, call: PhoneCall, digit: str) -> None:
        other = self._live(self._loops.get(call.call_id, ""))
        if other:
            self._pressed(other, digit)
        else:
            self._received(call, digit)

    def _vanish(self, call: PhoneCall) -> None:
        self._vanished(call)
        if call.phone.behaviour.noticed is not None:
            self._later(call, call.phone.behaviour.noticed, lambda: self._ended(call, "network", 0, tell=True))

    def _play(self, call: PhoneCall, play_id: str, audio: AudioFile, times: int | None) -> None:
        if times is not None:
            call.plays[play_id] = self.listener.later(audio.seconds * times, lambda: self._played(call, play_id))
