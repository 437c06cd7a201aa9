"""What the network shall do at once, in this order."""

from dataclasses import dataclass
from datetime import timedelta

from duologue.call_control.prompts import PromptAudio
from duologue.domain.outcome import Party
from duologue.domain.phone_number import PhoneNumber


@dataclass(frozen=True, slots=True)
class PlayPrompt:
    """Play a prompt to one party, `times` over. It gives way to a new request."""

    party: Party
    prompt: PromptAudio
    times: int = 1


@dataclass(frozen=True, slots=True)
class DialAndBridge:
    """Ring `number` for at most `ring_limit`, showing `display_number`; the caller hears `waiting`. Join on answer.

    `waiting` None: the caller hears nothing.
    """

    number: PhoneNumber
    display_number: PhoneNumber
    ring_limit: timedelta
    waiting: PromptAudio | None


@dataclass(frozen=True, slots=True)
class HangUp:
    """End one leg, by the network's id of it: the tag would hit a later leg of the same side."""

    party: Party
    leg_id: str


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Record what both say until the call ends; the file goes below `folder` in the recordings' store.

    `leg_id` is the caller's: its leg hears and says all there is.
    """

    leg_id: str
    folder: str


Action = PlayPrompt | DialAndBridge | HangUp | StartRecording
