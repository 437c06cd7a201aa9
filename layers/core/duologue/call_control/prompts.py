"""The prompts that the platform plays. Where their audio is stored is up to the adapter."""

from dataclasses import dataclass
from enum import StrEnum


class Prompt(StrEnum):
    """The platform's own prompts."""

    BEFORE_CALLEE = "before-callee"
    """To the caller, once and to its end before the callee is dialled, if the SP requested it."""
    WAITING = "waiting"
    """To the caller, repeated while the callee's phone rings."""
    CALLEE_UNAVAILABLE = "callee-unavailable"
    """To the caller, when the callee was not connected: neutral, since the network seldom says why (R14)."""
    CALLEE_BUSY = "callee-busy"
    """The same, if the network reports busy."""
    CALLEE_NO_ANSWER = "callee-no-answer"
    """The same, if the network reports no answer."""
    LAST_MINUTE = "last-minute"
    """To one or both, one minute before the maximum duration."""

    RECORDING_NOTICE = "recording-notice"
    """To both, one after the other and to its end, before a recording starts (R15)."""


@dataclass(frozen=True, slots=True)
class AppPrompt:
    """A prompt that the operator uploaded for one app. `name` ends in .wav."""

    app: str
    name: str


PromptAudio = Prompt | AppPrompt
