"""Send a test notification to an SP's servers on its request, and say what came of it.

It is made, signed, posted and judged as any notification, but at once and once. Nothing is stored of it, and it tells
the circuit breaker nothing: an SP can try a URL that is switched off or left alone, and try a wrong one without harm.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from duologue.call_control.history import Ping
from duologue.domain.access.accounts import App
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.callback_request import FieldNames
from duologue.domain.errors import InvalidField
from duologue.domain.notifying.webhook_request import WebhookRequest
from duologue.usecases.notifying.make_attempt import Tried, make_attempt
from duologue.usecases.ports.notifying import NotificationLog, PingLimit, SpEndpoints, WebhookFormat
from duologue.usecases.ports.outside import Clock

MOST_PINGS = 5
"""Requests of one app in a minute."""


@dataclass(frozen=True, slots=True)
class PingSp:
    """`at_once`: calls functions at the same time and returns what they return, in order.

    `new_id`: makes an id as calls have, of a time.
    """

    limit: PingLimit
    log: NotificationLog
    webhooks: WebhookFormat
    endpoints: SpEndpoints
    clock: Clock
    at_once: Callable[[Sequence[Callable[[], Tried]]], Sequence[Tried]]
    new_id: Callable[[datetime], str]
    fields: FieldNames

    def __call__(self, app: App, urls: NotifyTo) -> Sequence[Ping]:
        """Ping the URLs that are given, or if none is, the app's own.

        Raises:
            InvalidField: none is given, and the app has none.
            TooManyPings: the app has asked for that too often in this minute.
            OutsideUnavailable: storage is unavailable.
        """
        named = urls if urls != NotifyTo() else NotifyTo(app.status_url, app.fee_url)
        if named == NotifyTo():
            raise InvalidField(self.fields.status_url, f"or {self.fields.fee_url} is required: the app has none")
        now = self.clock.now()
        self.limit.count_ping(app.key, now, MOST_PINGS)
        health, ping_id = self.log.endpoint_health(app.key), self.new_id(now)
        requests = self.webhooks.pings(ping_id, named, app, now)
        tries = self.at_once([self._trying(request, app) for request in requests])
        return [
            Ping(ping_id, tried.attempt, tried.is_acknowledged, health.verdict(tried.attempt.url, now))
            for tried in tries
        ]

    def _trying(self, request: WebhookRequest, app: App) -> Callable[[], Tried]:
        return lambda: make_attempt(request, self.endpoints, self.webhooks, self.clock, about={"app": app.key})
