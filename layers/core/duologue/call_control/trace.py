"""What a call leaves besides its facts: the events that were processed, and the states that its flow passed through."""

from dataclasses import dataclass
from datetime import datetime

from duologue.call_control.facts import Fact
from duologue.domain.calls.task_token import Wait

OWN = "own"
"""In place of a network call: an event of the platform itself, such as a stop."""


@dataclass(frozen=True, slots=True)
class TracedEvent:
    """One processed event with what it made true, and with the platform's answer in the carrier's format.

    `at`: of its first fact, or when it was committed, to the second; None: it has no fact and no time is stored.
    `first`: the sequence of its first fact, or what that would have been.
    """

    network_call: str
    key: str
    at: datetime | None
    first: int
    facts: tuple[Fact, ...] = ()
    answer: str = ""
    resumes: Wait | None = None

    @property
    def is_own(self) -> bool:
        return self.network_call == OWN


@dataclass(frozen=True, slots=True)
class FlowStep:
    """A state that the flow of a call entered. `left_at`: None: it is still there. `error`: why it left it, if so."""

    state: str
    entered_at: datetime
    left_at: datetime | None = None
    error: str = ""
