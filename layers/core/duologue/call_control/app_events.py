"""The events of an app, over all its calls, as the SP reads them from a cursor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from duologue.call_control.facts import Fact
from duologue.call_control.history import Delivery
from duologue.domain.accounting.cdr import Cdr
from duologue.domain.calls.call import Call


@dataclass(frozen=True, slots=True, order=True)
class EventPosition:
    """Of the facts of one event among all of an app: by commit second (since the epoch), call, and first sequence."""

    second: int
    call_id: str
    first: int


@dataclass(frozen=True, slots=True)
class CommittedFacts:
    """The facts of one event, by sequence. `cdr`: once the call is over."""

    position: EventPosition
    call: Call
    facts: Mapping[int, Fact]
    cdr: Cdr | None


@dataclass(frozen=True, slots=True)
class UndeliveredFact:
    """`position`: the second in which its schedule began, the call, and its own sequence."""

    position: EventPosition
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class EventPage:
    """`more`: there are further events now."""

    events: Sequence[CommittedFacts]
    more: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many notifications, and where to go on; None: all of the span were."""

    count: int
    rest: datetime | None = None
