"""Between what happened and the SP that is told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from duologue.call_control.facts import Fact
from duologue.call_control.history import Delivery
from duologue.domain.accounts import App
from duologue.domain.call import Call
from duologue.domain.cdr import Cdr
from duologue.domain.webhook_request import Reply, WebhookRequest

UNKNOWN_APP = ""
"""Of a notice that release 0.1.0 queued: the call says whose it is."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One fact that must be told to an SP. `attempt` counts from 1; `due` is the earliest time for it.

    `source`: the item that holds the fact. `app`: the app of the call.
    """

    call_id: str
    sequence: int
    source: str
    app: str
    attempt: int = 1
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """One fact of a call, with what is needed to tell its SP. `cdr` is there once the call is over."""

    call: Call
    fact: Fact
    app: App
    cdr: Cdr | None = None
    is_acknowledged: bool = False
    """The SP has acknowledged it before."""


class NotificationLog(Protocol):
    """What SPs must be told, and what became of it."""

    def notification(self, notice: Notice) -> Notification:
        """Raises UnknownCall: no such call or fact; UnknownApp: its app is gone."""

    def record_delivery(self, call_id: str, sequence: int, delivery: Delivery) -> None:
        """Keep what became of one attempt to tell a fact. Once it is acknowledged, a failure changes nothing."""


class Notices(Protocol):
    """The queues."""

    def queue(self, notices: Iterable[Notice]) -> None:
        """Queue first attempts, in order within a call."""

    def queue_again(self, notice: Notice, now: datetime) -> None:
        """Put a retry aside until it is due; it no longer holds up the call's other facts (R11)."""

    def keep_undelivered(self, notice: Notice, why: str) -> None:
        """Keep what the SP never acknowledged where the operator finds it."""


class WebhookFormat(Protocol):
    """How an SP is written to, and how its reply is read: the wire's side of a notification."""

    def request(self, call: Call, fact: Fact, cdr: Cdr | None, app: App, at: datetime) -> WebhookRequest | None:
        """None: this fact is not told, or the SP named no URL for it."""

    def is_acknowledged(self, fact: Fact, reply: Reply) -> bool: ...


class SpEndpoints(Protocol):
    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        """Judge URLs, each after its field's name, before they are saved. Raises InvalidField, ForbiddenAddress."""

    def post(self, request: WebhookRequest) -> Reply:
        """Send a request, once, following no redirect. Whatever goes wrong on the way is a reply without status."""
