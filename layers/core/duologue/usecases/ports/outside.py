"""Other external services."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from duologue.call_control.prompts import PromptAudio
from duologue.domain.numbers.dialling_policy import PlannedNumber
from duologue.domain.numbers.phone_number import PhoneNumber


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""


class NumberPlan(Protocol):
    """The numbering plans of all countries."""

    def describe(self, number: PhoneNumber) -> PlannedNumber:
        """Describe any number, also one that no plan knows."""

    def regions(self) -> Set[str]:
        """All countries and territories that have a plan: ISO 3166-1 alpha-2 codes."""


@dataclass(frozen=True, slots=True)
class LineNumbers:
    """The numbers that calls may show, in E.164; empty: unknown. `source`: where they are configured."""

    numbers: Set[str]
    source: str


class Line(Protocol):
    """The telephone line of the platform."""

    def numbers(self) -> LineNumbers:
        """Raises OutsideUnavailable: the numbers cannot be read."""


class Prompts(Protocol):
    """The storage from which the network plays prompts."""

    def put(self, prompt: PromptAudio, wav: bytes) -> None:
        """Store a prompt, replacing an existing one."""

    def remove(self, prompt: PromptAudio) -> None:
        """Delete a prompt, if it exists."""
