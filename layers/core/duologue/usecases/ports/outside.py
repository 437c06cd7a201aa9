"""The rest of the outside."""

from datetime import datetime
from typing import Protocol

from duologue.call_control.prompts import PromptAudio
from duologue.domain.dialling_policy import PlannedNumber
from duologue.domain.phone_number import PhoneNumber


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""


class NumberPlan(Protocol):
    """The numbering plans of the world."""

    def describe(self, number: PhoneNumber) -> PlannedNumber:
        """What they say of a number. Of one that no plan knows too; it raises nothing."""


class Prompts(Protocol):
    """Where the telephone network finds prompts."""

    def put(self, prompt: PromptAudio, wav: bytes) -> None:
        """Keep a prompt, in the place of what was there."""

    def remove(self, prompt: PromptAudio) -> None:
        """Take it away. One that is not there is success."""
