"""What a call left, for the operator."""

from collections.abc import Sequence
from typing import Protocol

from duologue.call_control.history import History
from duologue.call_control.trace import FlowStep, TracedEvent


class CallTraces(Protocol):
    def trace(self, call_id: str) -> tuple[History, Sequence[TracedEvent]]:
        """The history of a call and all processed events, in order, by one query. Raises UnknownCall."""


class FlowHistories(Protocol):
    def steps(self, call_id: str) -> Sequence[FlowStep]:
        """The states that the flow of a call has entered, in order. Empty: it never started, or its history is gone:
        the state machine keeps one for 90 days. Raises OutsideUnavailable.
        """
