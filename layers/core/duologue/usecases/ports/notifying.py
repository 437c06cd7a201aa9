"""Notifications: log, queues, format and endpoints."""

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
    """A fact to be notified. `attempt` counts from 1; `due`: not before this time.

    `source`: key of the item with the fact. `app`: the app of the call.
    """

    call_id: str
    sequence: int
    source: str
    app: str
    attempt: int = 1
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A fact with everything needed for its notification. `cdr`: once the call is over. `last`: the last attempt."""

    call: Call
    fact: Fact
    app: App
    cdr: Cdr | None = None
    last: Delivery | None = None


class NotificationLog(Protocol):
    """Notifications and their delivery attempts."""

    def notification(self, notice: Notice) -> Notification:
        """Raises UnknownCall: no such call or fact. UnknownApp: its app was deleted."""

    def is_later_acknowledged(self, call: Call, sequence: int) -> bool:
        """Whether the SP acknowledged a fact of the call after number `sequence`."""

    def record_delivery(self, call_id: str, sequence: int, delivery: Delivery) -> None:
        """Record one attempt. Once acknowledged, a failure changes nothing."""


class Notices(Protocol):
    """The queues."""

    def queue(self, notices: Iterable[Notice]) -> None:
        """Queue first attempts, in order within a call."""

    def queue_again(self, notice: Notice, now: datetime) -> None:
        """Queue a retry for when it is due, outside the call's order (R11)."""

    def keep_undelivered(self, notice: Notice, why: str) -> None:
        """Keep a notification that was never acknowledged for the operator."""


class WebhookFormat(Protocol):
    """Renders notifications and interprets replies."""

    def request(self, call: Call, fact: Fact, cdr: Cdr | None, app: App, at: datetime) -> WebhookRequest | None:
        """None: the fact has no notification, or the SP has no URL for it."""

    def is_acknowledged(self, fact: Fact, reply: Reply) -> bool: ...


class SpUrls(Protocol):
    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        """Check pairs of field name and URL before they are saved. Raises InvalidField, ForbiddenAddress."""


class SpEndpoints(Protocol):
    def post(self, request: WebhookRequest) -> Reply:
        """Send a request once, without following redirects. A failure is a reply without status."""
