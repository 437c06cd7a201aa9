"""Events of the network as they happen: for live time lines, and for tests that check what happened when.

Not to be confused with the events that the service sends to a Lambda (`events`): those are reported here too, as kind
`event`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class NetworkEvent:
    """One thing that happened in the network.

    `kind`, and what `detail` holds:
      placed, updated, refused   an API call: its arguments, or the refusal
      called_in                  a phone called one of the account's numbers
      over                       every leg of the call has ended
      event, repeat              an invocation: the event sent
      answer, failure            the Lambda's payload, or why there is none
      log                        a line of the application's message log
      called, rang, picked_up, joined, heard, stopped, pressed, ended, vanished   at a phone (`number`)
      broken                     an internal error of this software
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


Observer = Callable[[NetworkEvent], None]
