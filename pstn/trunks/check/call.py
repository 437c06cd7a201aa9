"""The last step of a check: a call to a test number, over the same line as a node's calls, and its sound both ways.

The person, or the machine, that answers proves what we cannot see: a key that is pressed, or our tone in an echo.
"""

import threading
import wave
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, TypeVar

from pstn.clocks import Clock, RealClock, Timer
from pstn.lines import AudioFile, Line, MakeLine
from pstn.lines.phone_state import Phones
from pstn.lines.sip.audio import RATE, share, tone, wav_file
from pstn.lines.sip.child import ChildError
from pstn.lines.trunk.line import trunk_line
from pstn.lines.trunk.settings import TrunkSettings
from pstn.trunks import refusals
from pstn.trunks.check.steps import Outcome, Step
from pstn.trunks.refusals import Refusal
from pstn.trunks.trunk_file import Trunk, TrunkFile

T = TypeVar("T")
RINGS_S, LISTENS_S = 60.0, 20.0
"""For how long the test number may ring, and then may say nothing that proves sound."""
TONE_HZ = 980
_LEG, _RECORDING, _PLAY = "check", "check", "check"
_ECHOED, _LOUD = 0.5, 100
"""The share of our tone in a tenth of a second that is an echo; the mean level, of 32,767, that is no silence."""


class CallCheck:
    """A call over one trunk. `make_line`: by default that of nodes."""

    def __init__(
        self,
        file: TrunkFile,
        trunk: Trunk,
        make_line: Callable[[TrunkSettings], MakeLine] = trunk_line,
        listens_s: float = LISTENS_S,
    ) -> None:
        self._trunk, self._listens_s = trunk, listens_s
        self._settings = TrunkSettings(file.model_copy(update={"trunks": (trunk,)}))
        self._make_line = make_line(self._settings)

    def steps(self, number: str, display_number: str) -> Iterator[Step]:
        """`call`, then `sound`. Blocks while they last."""
        if faults := self._settings.faults():
            yield self._failed("call", Refusal("; ".join(faults), "the row named"))
            yield self._said("sound", "skipped", "call failed")
            return
        clock = RealClock()
        heard = _Listener(clock)
        try:
            line = self._make_line(clock, heard, Phones(), lambda: 0.0)
        except (ChildError, ValueError) as error:
            clock.stop()
            text = str(error).strip().splitlines()[-1]
            yield self._failed("call", Refusal(f"our SIP endpoint does not start: {text}", "sip_port: a free one"))
            yield self._said("sound", "skipped", "call failed")
            return
        try:
            yield from self._call(line, heard, number, display_number)
        finally:
            line.close()
            clock.stop()

    def _call(self, line: Line, heard: "_Listener", number: str, display_number: str) -> Iterator[Step]:
        with heard.lock:
            line.dial(_LEG, display_number, number, {})
        heard.wait(lambda: heard.is_up or heard.code is not None, RINGS_S)
        if not heard.is_up:
            code = 408 if heard.code is None else heard.code
            yield self._failed("call", refusals.of_call(code, self._trunk))
            yield self._said("sound", "skipped", "call failed")
            return
        rang = "rang and was answered" if heard.has_rung else "was answered without ringing"
        yield self._said("call", "ok", f"{number} {rang}; it was shown {display_number}")
        sound = AudioFile(1.0, wav_file(tone(TONE_HZ)))
        with heard.lock:
            line.record(_LEG, _RECORDING, "INCOMING", None)
            line.play(_LEG, _PLAY, "tone", sound, None)
        heard.wait(lambda: heard.has_pressed or heard.code is not None, self._listens_s)
        with heard.lock:
            line.finish_recording(_LEG, _RECORDING)
        received = _samples(line.recorded(_RECORDING))
        with heard.lock:
            line.hang_up(_LEG, 0)
        yield self._sound(received, heard)

    def _sound(self, received: "array[int]", heard: "_Listener") -> Step:
        least, most = self._settings.file.rtp_ports.split("-")
        nat = f"public_address or stun; and let UDP to ports {least} to {most} through the firewall"
        tenths = [received[at : at + RATE // 10] for at in range(0, len(received), RATE // 10)]
        is_loud = any(sum(map(abs, each)) > _LOUD * len(each) for each in tenths)
        is_echo = any(share(each, TONE_HZ) >= _ECHOED for each in tenths)
        if is_echo or heard.has_pressed:
            how = "our tone came back" if is_echo else "a key was pressed"
            if is_loud or is_echo:
                return self._said("sound", "ok", f"both ways: {how}")
            return self._failed("sound", Refusal(f"we are heard ({how}), but nothing is received", nat))
        if is_loud:
            found = "we receive sound, but no key was pressed, and our tone did not come back"
            return self._failed("sound", Refusal(found, f"press a key when you hear the tone; if you hear none: {nat}"))
        return self._failed("sound", Refusal("nothing is received", nat))

    def _said(self, name: str, outcome: Outcome, found: str) -> Step:
        return Step(self._trunk.name, "", name, outcome, found)

    def _failed(self, name: str, refusal: Refusal) -> Step:
        return Step(self._trunk.name, "", name, "failed", *refusal)


class _Listener:
    """What the line reports of the only leg (`pstn.lines.LineListener`). `code`: it has ended, with this SIP status."""

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.has_rung = self.is_up = self.has_pressed = False
        self.code: int | None = None
        self._clock = clock
        self._changed = threading.Condition(self.lock)

    def wait(self, until: Callable[[], bool], seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(until, seconds)

    def rang(self, call_id: str) -> None:
        self.has_rung = True

    def answered(self, call_id: str) -> None:
        self._set(is_up=True)

    def ended(self, call_id: str, sip_code: int) -> None:
        self._set(code=sip_code)

    def pressed(self, call_id: str, digit: str) -> None:
        self._set(has_pressed=True)

    def later(self, seconds: float, run: Callable[[], None]) -> Timer:
        def in_turn() -> None:
            with self.lock:
                run()

        return self._clock.call_later(seconds, in_turn)

    def in_turn(self, run: Callable[[], T]) -> T:
        with self.lock:
            return run()

    def arrives(
        self,
        caller_id: str,
        to_number: str,
        sip_headers: Mapping[str, str],
        *,
        phone: str | None = None,
        via: str | None = None,
    ) -> str | None:
        """Nobody is called back during a check."""
        return None

    def takes_calls(self, number: str) -> bool | None:
        return None

    def playback_finished(self, call_id: str, play_id: str) -> None: ...
    def fell_silent(self, call_id: str, recording_id: str) -> None: ...
    def note(self, kind: str, number: str, **detail: object) -> None: ...
    def _set(self, **facts: Any) -> None:
        with self._changed:
            vars(self).update(facts)
            self._changed.notify_all()


def _samples(recording: BinaryIO | None) -> "array[int]":
    if recording is None:
        return array("h")
    with recording, wave.open(recording, "rb") as file:
        return array("h", file.readframes(file.getnframes()))
