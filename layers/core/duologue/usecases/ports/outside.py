"""The rest of the outside."""

from collections.abc import Set
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class LineNumbers:
    """The numbers that calls may show, in E.164; none: they are not known. `source`: where that is written."""

    numbers: Set[str]
    source: str


class Line(Protocol):
    """The telephone line that all calls leave by."""

    def numbers(self) -> LineNumbers:
        """Raises OutsideUnavailable: nobody could be asked, or what was asked does not say."""


class Prompts(Protocol):
    """Where the telephone network finds prompts."""

    def put(self, prompt: PromptAudio, wav: bytes) -> None:
        """Keep a prompt, in the place of what was there."""

    def remove(self, prompt: PromptAudio) -> None:
        """Take it away. One that is not there is success."""
