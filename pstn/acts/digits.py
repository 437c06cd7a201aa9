"""Digits: asked for with a prompt (…AndGetDigits), or listened for while the call goes on (ReceiveDigits).

One attempt of …AndGetDigits: the prompt (a first digit stops it), then the digits until a terminator, the largest
number or the pause between digits; no digit within RepeatDuration ends it too. What does not match is answered with
the failure prompt. Pages: play-audio-get-digits, speak-and-get-digits, listen-to-digits; the error type
InvalidDigitsReceived is seen in AWS sample code only.
"""

import re
from abc import ABC, abstractmethod
from typing import Any

from pstn.acts.base import INVALID, Fault, Performance
from pstn.acts.prompts import speech_text
from pstn.legs import Leg
from pstn.messages import Play, Say, StopPlayback


class _GetDigits(Performance, ABC):
    always_reports = True

    def begin(self) -> None:
        self.pattern = digits_regex(self.parameters)
        self.least = self.number("MinNumberOfDigits", 0, 0)
        self.most = self.number("MaxNumberOfDigits", 128, max(1, self.least))
        self.terminators = self.digit_set("TerminatorDigits", "#")
        self.wait = self.number("RepeatDurationInMilliseconds", None, 1) / 1000
        self.pause = self.number("InBetweenDigitsDurationInMilliseconds", int(self.wait * 1000), 1) / 1000
        self.attempts = self.number("Repeat", 1, 1)
        self.check_prompts()
        self.leg = self.addressed_leg()
        self.playing: str | None = None
        self.digits = ""
        self.failing = False
        self._prompt()

    @abstractmethod
    def check_prompts(self) -> None:
        """Read the prompt and the failure prompt from the parameters. Raises: Fault."""

    @abstractmethod
    def prompt(self, play_id: str, failure: bool) -> None:
        """Start one of the two."""

    def _prompt(self, failure: bool = False) -> None:
        self.failing = failure
        self.playing = self.stage.new_id()
        self.prompt(self.playing, failure)

    def playback(self, play_id: str, fault: Fault | None) -> None:
        if play_id != self.playing:
            return
        self.playing = None
        if fault:
            self.stage.failed(fault)
        elif not self.failing:
            self.set_timer("silence", self.wait)
        elif self.attempts:
            self.digits = ""
            self._prompt()
        else:
            self._give_up()

    def digit(self, leg: Leg, digit: str) -> bool:
        if leg is not self.leg:
            return False
        if self.failing:
            return True
        self._stop_prompt()
        self.cancel_timer("silence")
        self.cancel_timer("between")
        if digit in self.terminators:
            self._judge()
            return True
        self.digits += digit
        if len(self.digits) >= self.most:
            self._judge()
        else:
            self.set_timer("between", self.pause)
        return True

    def timer(self, what: str) -> None:
        self._judge()

    def _judge(self) -> None:
        if len(self.digits) >= self.least and self.pattern.search(self.digits):
            self.stage.done({"ReceivedDigits": self.digits})
            return
        self.attempts -= 1
        if self.digits or self.attempts == 0:
            self._prompt(failure=True)
        else:
            self._prompt()

    def _give_up(self) -> None:
        message = "Digits received do not match the required pattern."
        self.stage.failed(Fault("InvalidDigitsReceived", message, extra={"ReceivedDigits": self.digits}))

    def _stop_prompt(self) -> None:
        if self.playing:
            self.stage.put(StopPlayback(self.playing))
            self.playing = None

    def cut(self) -> None:
        self._stop_prompt()
        self.cancel_timer("silence")
        self.cancel_timer("between")


class PlayAudioAndGetDigits(_GetDigits):
    def check_prompts(self) -> None:
        self.sources = (
            self.audio("AudioSource", "Audio Source"),
            self.audio("FailureAudioSource", "Failure Audio Source"),
        )

    def prompt(self, play_id: str, failure: bool) -> None:
        self.stage.put(Play(play_id, self.leg.call_id, *self.sources[failure], mutes=self.muted_peer(self.leg)))


class SpeakAndGetDigits(_GetDigits):
    requires_call_id = True

    def check_prompts(self) -> None:
        texts = []
        for name in ("SpeechParameters", "FailureSpeechParameters"):
            speech = self.parameters.get(name)
            if not isinstance(speech, dict):
                raise Fault("MissingRequiredActionParameter", f"{name} is a required parameter.")
            texts.append(speech_text(speech))
        self.texts = texts

    def prompt(self, play_id: str, failure: bool) -> None:
        text = self.texts[failure]
        seconds = max(0.5, len(text) / self.stage.switches.speech_rate)
        self.stage.put(Say(play_id, self.leg.call_id, text, seconds, self.muted_peer(self.leg)))


class ReceiveDigits(Performance):
    """Arms a listener on the leg and succeeds at once; the listener outlives the list."""

    def begin(self) -> None:
        self.pattern = digits_regex(self.parameters)
        self.pause = self.number("InBetweenDigitsDurationInMilliseconds", None, 1) / 1000
        self.flush = self.number("FlushDigitsDurationInMilliseconds", None, 1) / 1000
        self.buffer = ""
        self.stage.listen(self.addressed_leg(), self)
        self.stage.done({"ReceivedDigits": ""})

    def heard(self, digit: str) -> None:
        if not self.buffer:
            self.set_timer("flush", self.flush)
        self.buffer += digit
        self.set_timer("between", self.pause)

    def ripe(self, what: str) -> dict[str, Any] | None:
        """At a timer: the event's data if the digits so far match. Flushing throws the rest away."""
        digits, matched = self.buffer, bool(self.pattern.search(self.buffer))
        if matched or what == "flush":
            self.silence()
        return {"ReceivedDigits": digits, **self.data()} if matched else None

    def silence(self) -> None:
        self.buffer = ""
        self.cancel_timer("flush")
        self.cancel_timer("between")


def digits_regex(parameters: dict[str, Any]) -> "re.Pattern[str]":
    """Raises: Fault."""
    pattern = parameters.get("InputDigitsRegex")
    try:
        return re.compile(pattern if isinstance(pattern, str) and pattern else "(")
    except (re.error, OverflowError, RecursionError) as error:
        raise Fault(INVALID, "InputDigitsRegex parameter value is invalid.") from error
