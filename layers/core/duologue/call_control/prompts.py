"""What a person hears from the platform. The audio's place is the adapter's business."""

from dataclasses import dataclass
from enum import StrEnum


class Prompt(StrEnum):
    """The platform's own."""

    CONNECTING = "connecting"
    """To the caller, from the answer until the callee is dialled."""
    BEFORE_CALLEE = "before-callee"
    """To the caller, once and to its end before the callee is dialled, if the SP asked for that."""
    WAITING = "waiting"
    """To the caller, looped while the callee rings."""
    CALLEE_UNAVAILABLE = "callee-unavailable"
    """To the caller, when the callee's leg came to nothing: neutral, since the network seldom says why (R14)."""
    CALLEE_BUSY = "callee-busy"
    """The same, where the network says that the callee is busy."""
    CALLEE_NO_ANSWER = "callee-no-answer"
    """The same, where the network says that nobody answers."""
    LAST_MINUTE = "last-minute"
    """To one or both, when a minute is left of the longest call."""

    RECORDING_NOTICE = "recording-notice"
    """To both, one after the other and each to its end, before a recording starts (R15)."""


@dataclass(frozen=True, slots=True)
class AppPrompt:
    """A recording that the operator keeps for one app. `name` ends in .wav."""

    app: str
    name: str


PromptAudio = Prompt | AppPrompt
