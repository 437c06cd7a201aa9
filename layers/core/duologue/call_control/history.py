"""What is recorded of a call besides the call itself: its facts, and what became of telling each to the SP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from duologue.call_control.facts import Fact
from duologue.domain.call import Call
from duologue.domain.cdr import Cdr


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to tell the SP one fact. `status` is the HTTP status, None if there was no answer."""

    attempt: int
    at: datetime
    url: str
    acknowledged: bool
    status: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """All that is recorded of a call: its facts in order from sequence 1, and the last attempt to tell each."""

    call: Call
    facts: tuple[Fact, ...]
    deliveries: Mapping[int, Delivery]
    """By the fact's sequence. A fact that is not in it was not told (yet)."""
    cdr: Cdr | None = None
    """None: the call is not over."""
