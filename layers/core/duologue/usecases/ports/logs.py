"""What the functions logged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class LogLine:
    """`request`: Lambda's id of the invocation; empty if the line has none."""

    at: datetime
    function: str
    level: str
    message: str
    request: str = ""
    fields: Mapping[str, Any] | None = None
    """What the line has besides."""


class CallLogs(Protocol):
    def lines(self, call_id: str, since: datetime) -> Sequence[LogLine]:
        """The lines of a call from `since` on, oldest first: those that name it, and of the invocations that logged
        them also the lines that name no call.

        Raises:
            OutsideUnavailable: the logs cannot be read.
        """
