"""The state machine."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FlowOrder:
    """What the flow is told of a call: its id, and how long each wait may take (R3). Each wait is at least 1 s."""

    call_id: str
    caller_wait: timedelta
    callee_wait: timedelta
    talk: timedelta
    last_minute: timedelta


class Flows(Protocol):
    def start(self, order: FlowOrder) -> None:
        """Start the flow of a call under its id. A repeat is success."""

    def resume(self, token: str) -> bool:
        """Complete a wait. False: it is over, timed out or unknown."""

    def interrupt(self, token: str) -> None:
        """Break off a wait, so that the flow ends the call. A wait that is over is success."""
