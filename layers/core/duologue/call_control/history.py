"""The history of a call: its facts, and the delivery of each to the SP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from duologue.call_control.facts import CallAccepted, CdrWritten, Fact
from duologue.domain.accounting.cdr import Cdr
from duologue.domain.calls.call import Call
from duologue.domain.calls.task_token import TaskToken

if TYPE_CHECKING:
    from duologue.domain.notifying.endpoint_health import Verdict


class DeliveryState(StrEnum):
    WAITING = "waiting"
    """An attempt is due at some time."""
    ACKNOWLEDGED = "acknowledged"
    OVERTAKEN = "overtaken"
    """The last attempt failed, and a later fact makes another one pointless."""
    UNDELIVERED = "undelivered"
    """All attempts failed, or the endpoint is switched off. It can be sent again."""
    CANCELLED = "cancelled"
    """By the operator, while it waited or after it was given up."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request. `status`: the HTTP status; None: there was no response. `note`: why it was not acknowledged.

    `reply`: the beginning of the response's body, at most 256 bytes.
    """

    at: datetime
    url: str
    status: int | None
    took: timedelta = timedelta(0)
    note: str = ""
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Ping:
    """A test notification that the SP asked for.

    `id`: of the form of a call's, but of no call. `now`: what would happen to a notification for this URL at present.
    """

    id: str
    attempt: Attempt
    is_acknowledged: bool
    now: Verdict


@dataclass(frozen=True, slots=True)
class Delivery:
    """The notification of one fact: every attempt, in order, and what follows."""

    state: DeliveryState
    since: datetime
    """When the retry schedule began: at the first attempt, or when it was last sent again on request."""
    attempts: tuple[Attempt, ...] = ()
    tries: int = 0
    """Attempts since `since`."""
    due: datetime | None = None
    """WAITING: when the next attempt is due."""
    note: str = ""
    """Why it is undelivered."""
    version: int = 0
    """Counts the writes; 0: not written yet."""
    requested: bool = False
    """The SP asked for it, so no later fact makes it pointless."""
    put_off: int = 0
    """How often in a row the next attempt was put off because the endpoint does not answer."""

    @property
    def is_acknowledged(self) -> bool:
        return self.state is DeliveryState.ACKNOWLEDGED

    @property
    def is_put_off(self) -> bool:
        """It waits for its first attempt."""
        return self.state is DeliveryState.WAITING and not self.tries and not self.requested


@dataclass(frozen=True, slots=True)
class History:
    """Everything recorded about a call: its facts in order from sequence 1, and the delivery of each."""

    call: Call
    facts: tuple[Fact, ...]
    deliveries: Mapping[int, Delivery]
    """By the fact's sequence. A fact that is missing was not notified (yet)."""
    cdr: Cdr | None = None
    """None: the call is not over."""
    sources: Mapping[int, str] = field(default_factory=dict, compare=False)
    """The key of the item that holds each fact, but the acceptance."""
    task_token: TaskToken | None = field(default=None, compare=False)
    """The newest one of the call's flow."""

    @property
    def by_sequence(self) -> Mapping[int, Fact]:
        """The facts; those whose item has expired are missing."""
        return dict(zip(sorted({1, *self.sources}), self.facts, strict=False))


def url_of(call: Call, fact: Fact) -> str | None:
    """Where a fact of a call is notified; None: nowhere."""
    if isinstance(fact, CallAccepted):
        return None
    return call.notify.fee_url if isinstance(fact, CdrWritten) else call.notify.status_url
