"""Events of the network as they happen: for live time lines, and for tests that check what happened when.

Not to be confused with the events that the service sends to a Lambda (`events`): those are reported here too, as kind
`event`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class NetworkEvent:
    """One thing that happened in the network.

    `kind`, and what `detail` holds:
      placed, updated, refused   an API call: its arguments, or the refusal
      called_in                  a phone called one of the account's numbers (`to`), with the caller ID `shown`
      over                       every leg of the call has ended
      event, repeat              an invocation: the event sent
      answer, failure            the Lambda's payload, or why there is none
      log                        a line of the application's message log
      called, rang, picked_up, joined, heard, stopped, pressed, received, ended, vanished   at a phone (`number`)
      broken                     an internal error of this software, or an observer's exception (`error`)
      trouble                    something that a telephone line could not do for a leg (`text`)
      recorded                   a recording was stored
    """

    at: datetime
    kind: str
    transaction: str | None = None
    number: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "kind": self.kind,
            "transaction": self.transaction,
            "number": self.number,
            "detail": self.detail,
        }


class EventLog:
    """The latest events; each has a number, from 0."""

    def __init__(self, most: int) -> None:
        self._events: deque[NetworkEvent] = deque(maxlen=most)
        self._next = 0

    def append(self, event: NetworkEvent) -> None:
        self._events.append(event)
        self._next += 1

    def since(self, number: int) -> list[NetworkEvent]:
        """From this number on, as far as they are kept."""
        return list(self._events)[max(0, number - (self._next - len(self._events))) :]


Observer = Callable[[NetworkEvent], None]


def tell(observers: Iterable[Callable[[T], None]], news: T, failed: Callable[[Exception], None]) -> None:
    """Call each observer. What one raises goes to `failed`; it disturbs neither the caller nor the other observers."""
    for observer in list(observers):
        try:
            observer(news)
        except Exception as error:  # noqa: BLE001 - observers are foreign code, and calls must not depend on them
            failed(error)
