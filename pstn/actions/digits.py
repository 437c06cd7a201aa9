"""Digits: asked for with a prompt (…AndGetDigits), or listened for while the call goes on (ReceiveDigits).

One attempt of …AndGetDigits: the prompt (the first digit stops it), then digits until a terminator, the maximum
number or the time-out between digits; no digit within RepeatDuration ends it too. Each attempt that fails, silence
included, is answered with the failure prompt. Pages: play-audio-get-digits, speak-and-get-digits, listen-to-digits.
The error type InvalidDigitsReceived appears in AWS sample code only.
"""

import re
from abc import ABC, abstractmethod
from typing import Any

from pstn.actions.base import INVALID, ActionError, RunningAction
from pstn.actions.prompts import speech_text
from pstn.legs import Leg
from pstn.messages import Play, Say, StopPlayback


class _GetDigits(RunningAction, ABC):
    always_reports = True

    def start(self) -> None:
        self.pattern = digits_regex(self.parameters, required=False)
        self.least = self.number("MinNumberOfDigits", 0, 0)
        self.most = self.number("MaxNumberOfDigits", 128, max(1, self.least))
        self.terminators = self.digit_set("TerminatorDigits", "#")
        self.first_digit_timeout = self.number("RepeatDurationInMilliseconds", None, 1) / 1000
        self.inter_digit_timeout = (
            self.number("InBetweenDigitsDurationInMilliseconds", int(self.first_digit_timeout * 1000), 1) / 1000
        )
        self.attempts = self.number("Repeat", 1, 1)
        self.check_prompts()
        self.leg = self.target_leg()
        self.playing = None
        self.digits = ""
        self.failing = False
        self._prompt()

    @abstractmethod
    def check_prompts(self) -> None:
        """Read the prompt and the failure prompt from the parameters. Raises: ActionError."""

    @abstractmethod
    def prompt(self, play_id: str, failure: bool) -> None:
        """Play one of the two."""

    def _prompt(self, failure: bool = False) -> None:
        self.failing = failure
        self.playing = self.call.new_id()
        self.prompt(self.playing, failure)

    def playback_ended(self, play_id: str, error: ActionError | None) -> None:
        if play_id != self.playing:
            return
        self.playing = None
        if error:
            self.call.failed(error)
        elif not self.failing:
            self.set_timer("first-digit", self.first_digit_timeout)
        elif self.attempts:
            self.digits = ""
            self._prompt()
        else:
            self._fail()

    def digit(self, leg: Leg, digit: str) -> bool:
        if leg is not self.leg:
            return False
        if self.failing:
            return True
        self._stop_prompt()
        self.cancel_timer("first-digit")
        self.cancel_timer("inter-digit")
        if digit in self.terminators:
            self._check_digits()
            return True
        self.digits += digit
        if len(self.digits) >= self.most:
            self._check_digits()
        else:
            self.set_timer("inter-digit", self.inter_digit_timeout)
        return True

    def timer(self, what: str) -> None:
        self._check_digits()

    def _check_digits(self) -> None:
        if len(self.digits) >= self.least and self.pattern.search(self.digits):
            self.call.done({"ReceivedDigits": self.digits})
            return
        self.attempts -= 1
        self._prompt(failure=True)

    def _fail(self) -> None:
        message = "Digits received do not match the required pattern."
        self.call.failed(ActionError("InvalidDigitsReceived", message, extra={"ReceivedDigits": self.digits}))

    def _stop_prompt(self) -> None:
        if self.playing:
            self.call.emit(StopPlayback(self.playing))
            self.playing = None

    def abort(self) -> None:
        self._stop_prompt()
        self.cancel_timer("first-digit")
        self.cancel_timer("inter-digit")


class PlayAudioAndGetDigits(_GetDigits):
    def check_prompts(self) -> None:
        self.sources = (
            self.audio("AudioSource", "Audio Source"),
            self.audio("FailureAudioSource", "Failure Audio Source"),
        )

    def prompt(self, play_id: str, failure: bool) -> None:
        self.call.emit(Play(play_id, self.leg.call_id, *self.sources[failure], mutes=self.peer_to_mute(self.leg)))


class SpeakAndGetDigits(_GetDigits):
    speaks = True

    def check_prompts(self) -> None:
        texts = []
        for name in ("SpeechParameters", "FailureSpeechParameters"):
            speech = self.parameters.get(name)
            if not isinstance(speech, dict):
                raise ActionError("MissingRequiredActionParameter", f"{name} is a required parameter.")
            texts.append(speech_text(speech))
        self.texts = texts

    def prompt(self, play_id: str, failure: bool) -> None:
        text = self.texts[failure]
        seconds = max(0.5, len(text) / self.call.switches.speech_rate)
        self.call.emit(Say(play_id, self.leg.call_id, text, seconds, self.peer_to_mute(self.leg)))


class ReceiveDigits(RunningAction):
    """Attaches a listener to the leg and succeeds at once; the listener outlives the action list."""

    def start(self) -> None:
        self.pattern = digits_regex(self.parameters, required=True)
        self.inter_digit_timeout = self.number("InBetweenDigitsDurationInMilliseconds", None, 1) / 1000
        self.flush_after = self.number("FlushDigitsDurationInMilliseconds", None, 1) / 1000
        self.buffer = ""
        self.call.listen_for_digits(self.target_leg(), self)
        self.call.done({"ReceivedDigits": ""})

    def receive(self, digit: str) -> None:
        if not self.buffer:
            self.set_timer("flush", self.flush_after)
        self.buffer += digit
        self.set_timer("inter-digit", self.inter_digit_timeout)

    def match_at_timer(self, what: str) -> dict[str, Any] | None:
        """When a timer fires: the event's data if the digits so far match. A flush discards the others."""
        digits, matched = self.buffer, bool(self.pattern.search(self.buffer))
        if matched or what == "flush":
            self.reset()
        return {"ReceivedDigits": digits, **self.data()} if matched else None

    def reset(self) -> None:
        self.buffer = ""
        self.cancel_timer("flush")
        self.cancel_timer("inter-digit")


def digits_regex(parameters: dict[str, Any], *, required: bool) -> "re.Pattern[str]":
    """Without a pattern, where none is required, any digits match. Raises: ActionError."""
    pattern = parameters.get("InputDigitsRegex", None if required else "")
    try:
        if isinstance(pattern, str) and (pattern or not required):
            return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        pass
    raise ActionError(INVALID, "InputDigitsRegex parameter value is invalid.")
