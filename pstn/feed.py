"""What happens in the network, as it happens: for a live time line and for tests that ask what was told when."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Moment:
    """One thing that happened.

    `kind`, and what `detail` holds:
      placed, updated, refused   an API call: its arguments, or the refusal
      called_in                  a phone called one of the account's numbers
      over                       no leg of the call is left
      event, repeat              an invocation: the event sent
      answer, failure            the Lambda's payload, or why there is none
      log                        a line of the application's message log
      called, rang, picked_up, joined, heard, stopped, pressed, ended, vanished   at a phone (`number`)
      broken                     a fault of the lab's own
      trouble                    what a telephone line could not do for a leg (`text`)
      recorded                   a recording's object was written
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


Observer = Callable[[Moment], None]
