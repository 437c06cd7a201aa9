"""Notifications: log, queues, format and endpoints."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from duologue.call_control.app_events import CommittedFacts, EventPosition, UndeliveredFact
from duologue.call_control.facts import Fact
from duologue.call_control.history import Delivery
from duologue.domain.access.accounts import App
from duologue.domain.accounting.cdr import Cdr
from duologue.domain.calls.call import Call, NotifyTo
from duologue.domain.notifying.endpoint_health import EndpointHealth
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest

NO_WAIT = timedelta(0)
NO_FAILURES = EndpointHealth()
UNKNOWN_APP = ""
"""Of a notice that release 0.1.0 queued: the call says whose it is."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An attempt to notify the SP of a fact is due.

    `source`: key of the item with the fact. `app`: the app of the call. `version`: of the delivery that waits for this
    attempt, 0 before the first one; a notice for another version is void.
    """

    call_id: str
    sequence: int
    source: str
    app: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class Notification:
    """A fact with everything needed for its notification.

    `cdr`: once the call is over. `delivery`: None: nothing was attempted. `follows`: the fact before it was attempted,
    or will not be.
    """

    call: Call
    fact: Fact
    app: App
    cdr: Cdr | None = None
    delivery: Delivery | None = None
    follows: bool = False
    health: EndpointHealth = NO_FAILURES


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that waits, as the index has it. `look_at` is the index's text."""

    call_id: str
    item: str
    look_at: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery whose attempt is due. `is_put_off`: it waits for its first one."""

    notice: Notice
    is_put_off: bool


class Measurements(Protocol):
    """What the operator sees of calls and of SPs' servers. A fact may come twice, as its notice does."""

    def fact(self, fact: Fact) -> None:
        """The first attempt to notify an SP of a fact is due, whether or not the SP wants it."""

    def ended(self, cdr: Cdr) -> None:
        """The same of a CDR: what the call came to."""

    def attempt(self, app: str, lag: timedelta, *, acknowledged: bool) -> None:
        """An attempt has ended. `lag`: since the fact."""


class NotMeasured:
    """Implements Measurements where nobody looks."""

    def fact(self, fact: Fact) -> None:
        pass

    def ended(self, cdr: Cdr) -> None:
        pass

    def attempt(self, app: str, lag: timedelta, *, acknowledged: bool) -> None:
        pass


class NotificationLog(Protocol):
    """Notifications and their delivery."""

    def notification(self, notice: Notice) -> Notification:
        """Raises UnknownCall: no such call or fact. UnknownApp: its app was deleted."""

    def is_later_acknowledged(self, call: Call, sequence: int) -> bool:
        """Whether the SP acknowledged a fact of the call after number `sequence`."""

    def not_attempted(self, notice: Notice) -> Sequence[Notice]:
        """The facts of the call before the notice's that have no delivery, or one that was put off, in order."""

    def save_delivery(self, notice: Notice, delivery: Delivery, look_at: datetime | None = None) -> int:
        """Write a delivery whose `version` is the one that was read, and return the one after it.

        `look_at`: when the sweeper queues what waits; None: when it is due. Raises RaceLost: the version has changed.
        """

    def deliveries_of(self, wanted: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], Delivery]:
        """By call and sequence, of at most 100 facts; one that was not attempted is missing. Eventually consistent."""

    def endpoint_health(self, app_key: str) -> EndpointHealth:
        """Of the endpoints of an app."""

    def save_health(self, app_key: str, health: EndpointHealth, now: datetime) -> None:
        """Raises RaceLost: its `version` is not the one that was read."""

    def give_up(self, notice: Notice, why: str) -> None:
        """Let what waits, if anything does, be undelivered: its call or its app is gone."""


class AppEvents(Protocol):
    """What was committed of the calls of an app."""

    def after(
        self, app_key: str, position: EventPosition | None, until_second: int, limit: int
    ) -> Sequence[CommittedFacts]:
        """At most `limit`, in the order of their positions. None: from the oldest that is kept."""

    def undelivered(self, app_key: str, position: EventPosition | None, limit: int) -> Sequence[UndeliveredFact]:
        """What waits for an attempt or was given up, by when its schedule began; at most `limit`."""


class WaitingNotifications(Protocol):
    """The deliveries that wait, by when the sweeper looks at them."""

    def due(self, now: datetime, limit: int) -> Iterable[Waiting]:
        """At most `limit`; the oldest of each shard first."""

    def claim(self, waiting: Waiting, until: datetime) -> Claimed | None:
        """Hide it from the sweeper until `until`. None: it does not wait any more, or another sweep was faster."""


class Notices(Protocol):
    """The queues."""

    def queue(self, notices: Iterable[Notice]) -> None:
        """Queue first attempts, one at a time of each call, in order; the same one once in five minutes."""

    def queue_again(self, notices: Iterable[Notice], wait: timedelta = NO_WAIT) -> None:
        """Queue retries, outside their calls' order (R11), to be received after `wait`: at most 15 minutes."""


class WebhookFormat(Protocol):
    """Renders notifications and interprets replies."""

    def request(
        self, call: Call, sequence: int, fact: Fact, cdr: Cdr | None, app: App, at: datetime
    ) -> WebhookRequest | None:
        """The notification of fact number `sequence`. None: it has none, or the SP has no URL for it."""

    def pings(self, ping_id: str, urls: NotifyTo, app: App, at: datetime) -> Sequence[WebhookRequest]:
        """Test notifications, one to each URL that is given. `ping_id`: of the form of a call's id, but of no call."""

    def is_acknowledged(self, request: WebhookRequest, reply: Reply) -> bool: ...


class PingLimit(Protocol):
    def count_ping(self, app_key: str, now: datetime, most: int) -> None:
        """Count a ping of the minute of `now`. Raises TooManyPings: there were `most`."""


class SpUrls(Protocol):
    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        """Check pairs of field name and URL before they are saved. Raises InvalidField, ForbiddenAddress."""


class SpEndpoints(Protocol):
    def post(self, request: WebhookRequest) -> Reply:
        """Send a request once, without following redirects. A failure is a reply without status."""
