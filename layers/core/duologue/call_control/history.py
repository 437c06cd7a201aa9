"""The history of a call: its facts, and the delivery of each to the SP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from duologue.call_control.facts import Fact
from duologue.domain.call import Call
from duologue.domain.cdr import Cdr


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to notify the SP of a fact. `status`: the HTTP status; None: there was no response.

    `overtaken`: it failed, and it was the last, because a later fact made this one pointless.
    """

    attempt: int
    at: datetime
    url: str
    acknowledged: bool
    status: int | None
    note: str = ""
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """Everything recorded about a call: its facts in order from sequence 1, and the last delivery attempt of each."""

    call: Call
    facts: tuple[Fact, ...]
    deliveries: Mapping[int, Delivery]
    """By the fact's sequence. A fact that is missing was not notified (yet)."""
    cdr: Cdr | None = None
    """None: the call is not over."""
