"""Phones that are scripts only: no audio, but a log of everything that a person would notice, and when.

Times are the clock's, so a call of hours takes no time on a jumping clock.
"""

from pstn.lines import AudioFile
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

NOT_IMPLEMENTED = 501
"""RFC 3261 §21.5.2."""


class VirtualLine(ScriptedLine):
    """What a script does takes effect at once; a prompt lasts as long as its file."""

    def record(self, call_id: str, recording_id: str, track: str, silence: Silence | None) -> None:
        """There is no audio: `recordings` makes a synthetic file, and a script says when its phone falls silent."""
        call = self._live(call_id)
        if call and silence and call.phone.behaviour.speaks is not None:
            seconds = call.phone.behaviour.speaks + silence.seconds
            self._later(call, seconds, lambda: self.listener.fell_silent(call_id, recording_id))

    def pause_recording(self, call_id: str, recording_id: str, paused: bool) -> None: ...
    def finish_recording(self, call_id: str, recording_id: str) -> None: ...
    def recorded(self, recording_id: str) -> bytes | None:
        return None

    def call_phone(self, number: str, to: str) -> int | None:
        """Scripts alone call the service only."""
        return NOT_IMPLEMENTED

    def close(self) -> None: ...

    def _place(self, call: PhoneCall) -> None:
        self._follow(call)

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
        self._received(call, digit)

    def _vanish(self, call: PhoneCall) -> None:
        self._vanished(call)
        if call.phone.behaviour.noticed is not None:
            self._later(call, call.phone.behaviour.noticed, lambda: self._ended(call, "network", 0, tell=True))

    def _play(self, call: PhoneCall, play_id: str, audio: AudioFile, times: int | None) -> None:
        if times is not None:
            call.plays[play_id] = self.listener.later(audio.seconds * times, lambda: self._played(call, play_id))
