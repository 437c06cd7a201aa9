"""Actions for the network, to be executed at once and in order."""

from dataclasses import dataclass
from datetime import timedelta

from duologue.call_control.prompts import PromptAudio
from duologue.domain.calls.outcome import Party
from duologue.domain.numbers.phone_number import PhoneNumber


@dataclass(frozen=True, slots=True)
class PlayPrompt:
    """Play a prompt to one party. A new action list interrupts it."""

    party: Party
    prompt: PromptAudio


@dataclass(frozen=True, slots=True)
class DialAndBridge:
    """Dial `number` from `display_number` with a ring limit, and bridge it with the caller on answer.

    `waiting`: what the caller hears until then; None: silence.
    """

    number: PhoneNumber
    display_number: PhoneNumber
    ring_limit: timedelta
    waiting: PromptAudio | None


@dataclass(frozen=True, slots=True)
class HangUp:
    """Hang up one leg, by its network id: its tag could address a later leg of the same party.

    `sip_status`: with which a leg is rejected that was never answered, 480 or 486; 0: it was answered.
    """

    party: Party
    leg_id: str
    sip_status: int = 0


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Record both parties until the call ends, into `folder` of the recordings bucket.

    `leg_id`: the caller's leg, which carries the audio of both.
    """

    leg_id: str
    folder: str


Action = PlayPrompt | DialAndBridge | HangUp | StartRecording
