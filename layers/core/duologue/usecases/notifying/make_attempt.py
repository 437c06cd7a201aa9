"""Post one notification to an SP's server once, and say what came of it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from duologue.call_control.history import Attempt
from duologue.domain.notifying.endpoint_health import origin
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest
from duologue.usecases.ports.notifying import SpEndpoints, WebhookFormat
from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)
_GONE = "410 Gone: not retried"
_MOST_REPLY = 256


@dataclass(frozen=True, slots=True)
class Tried:
    attempt: Attempt
    reply: Reply
    is_acknowledged: bool

    @property
    def is_gone(self) -> bool:
        return self.reply.status == HTTPStatus.GONE


def make_attempt(
    request: WebhookRequest,
    endpoints: SpEndpoints,
    webhooks: WebhookFormat,
    clock: Clock,
    *,
    about: Mapping[str, object],
) -> Tried:
    """`about`: what the log says of the notification."""
    began = clock.now()
    reply = endpoints.post(request)
    took = clock.now() - began
    if reply.cause:
        _log.info("no response", extra={"host": origin(request.url), "why": reply.cause, **about})
    acknowledged = webhooks.is_acknowledged(request, reply)
    gone = reply.status == HTTPStatus.GONE
    note = reply.note or ("" if acknowledged else _GONE if gone else "not taken")
    text = reply.body[:_MOST_REPLY].decode(errors="replace")
    return Tried(Attempt(began, request.url, reply.status, took, note, text), reply, acknowledged)
