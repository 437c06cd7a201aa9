"""The state machine."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FlowOrder:
    """The flow's input: the call's id and the length of each wait, at least 1 s (R3)."""

    call_id: str
    caller_wait: timedelta
    callee_wait: timedelta
    talk: timedelta
    last_minute: timedelta


class Flows(Protocol):
    def start(self, order: FlowOrder) -> None:
        """Start the flow of a call under its id. Idempotent."""

    def resume(self, token: str) -> bool:
        """Complete a wait. False: it is over, timed out or unknown."""

    def interrupt(self, token: str) -> None:
        """Fail a wait, so that the flow ends the call. No error if the wait is over."""
