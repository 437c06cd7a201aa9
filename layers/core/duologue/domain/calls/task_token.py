"""The task token of a state that waits, and what completes it (R1, R2)."""

from dataclasses import dataclass
from enum import StrEnum


class Wait(StrEnum):
    """What a state of the flow waits for."""

    CALLER_ANSWER = "caller_answer"
    CALLEE_ANSWER = "callee_answer"
    END = "end"


@dataclass(frozen=True, slots=True)
class TaskToken:
    """The token of one attempt of one waiting state. `value` is opaque.

    `rank` orders attempts, the newest has the highest: the time its state was entered, in milliseconds since the epoch,
    times 1,000, plus the number of the attempt.
    """

    value: str
    waits_for: Wait
    rank: int

    def is_completed_by(self, event: Wait) -> bool:
        """The end of the call completes every wait; an answer only the wait for it."""
        return event in (Wait.END, self.waits_for)
