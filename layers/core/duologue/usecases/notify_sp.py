"""Notify an SP of one fact of a call, and not again once it has acknowledged it (R11).

The end and the CDR of a call are delivered at least once, with retries over more than a day. A step of a leg is retried
only until the SP acknowledges a later fact or the call is over: the original platform never repeats it, receivers take
the last event for the state of the call, and the later one includes it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus

from duologue.call_control.facts import Fact, Step
from duologue.call_control.history import Delivery
from duologue.domain.call import Phase
from duologue.domain.delivery import requested_wait, wait_after
from duologue.domain.errors import UnknownApp, UnknownCall
from duologue.domain.webhook_request import Reply, WebhookRequest
from duologue.usecases.ports.notifying import (
    Notice,
    Notices,
    Notification,
    NotificationLog,
    SpEndpoints,
    WebhookFormat,
)
from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)
_GONE = "410 Gone: not retried"


class NotifyResult(StrEnum):
    """The result of one notice."""

    ACKNOWLEDGED = "acknowledged"
    ALREADY_ACKNOWLEDGED = "already acknowledged"
    NOT_FOR_SP = "not for the SP"  # a fact without notification, or the SP has no URL for it
    OVERTAKEN = "overtaken"  # an unacknowledged step of a leg, and a later fact was, or the call is over
    NOT_DUE = "not due"
    RETRY_LATER = "retry later"  # not acknowledged; a retry is scheduled
    UNDELIVERED = "undelivered"  # not acknowledged, and not retried; it is kept for the operator


@dataclass(frozen=True, slots=True)
class NotifySp:
    """`chance`: returns a random number from 0 up to 1."""

    log: NotificationLog
    webhooks: WebhookFormat
    endpoints: SpEndpoints
    notices: Notices
    clock: Clock
    chance: Callable[[], float]

    def __call__(self, notice: Notice) -> NotifyResult:
        """Make one attempt.

        Raises:
            OutsideUnavailable: storage or a queue is unavailable; the message must be retried.
        """
        now = self.clock.now()
        if notice.due is not None and now < notice.due:
            self.notices.queue_again(notice, now)
            return NotifyResult.NOT_DUE
        try:
            notification = self.log.notification(notice)
        except (UnknownCall, UnknownApp) as error:  # expired while it was queued, or deleted by the operator
            return self._give_up(notice, type(error).__name__)
        if notification.last is not None and notification.last.acknowledged:
            return NotifyResult.ALREADY_ACKNOWLEDGED
        again = notice.attempt > 1 or notification.last is not None
        overtaken = self._is_overtaken(notification, notice.sequence, again=again)
        if overtaken and again:
            if notification.last is not None:
                self.log.record_delivery(notice.call_id, notice.sequence, replace(notification.last, overtaken=True))
            return NotifyResult.OVERTAKEN
        request = self.webhooks.request(notification.call, notification.fact, notification.cdr, notification.app, now)
        if request is None:
            return NotifyResult.NOT_FOR_SP
        return self._attempt(notice, notification.fact, request, overtaken=overtaken)

    def _is_overtaken(self, notification: Notification, sequence: int, *, again: bool) -> bool:
        """The first attempt of a step is made in any case, so only the end overtakes it."""
        call = notification.call
        if not isinstance(notification.fact, Step):
            return False
        return call.phase is Phase.OVER or (again and self.log.is_later_acknowledged(call, sequence))

    def _attempt(self, notice: Notice, fact: Fact, request: WebhookRequest, *, overtaken: bool) -> NotifyResult:
        now = self.clock.now()
        reply = self.endpoints.post(request)
        acknowledged = self.webhooks.is_acknowledged(fact, reply)
        gone = reply.status == HTTPStatus.GONE
        note = reply.note or ("" if acknowledged else _GONE if gone else "not taken")
        delivery = Delivery(
            notice.attempt,
            now,
            request.url,
            acknowledged=acknowledged,
            status=reply.status,
            note=note,
            overtaken=overtaken and not acknowledged,
        )
        self.log.record_delivery(notice.call_id, notice.sequence, delivery)
        if acknowledged:
            return NotifyResult.ACKNOWLEDGED
        if overtaken:
            return NotifyResult.OVERTAKEN
        if gone:
            return self._give_up(notice, note)
        return self._put_aside(notice, note, reply)

    def _put_aside(self, notice: Notice, why: str, reply: Reply) -> NotifyResult:
        now = self.clock.now()
        wait = wait_after(notice.attempt, self.chance(), requested_wait(reply.retry_after, now))
        if wait is None:
            return self._give_up(notice, why)
        self.notices.queue_again(replace(notice, attempt=notice.attempt + 1, due=now + wait), now)
        return NotifyResult.RETRY_LATER

    def _give_up(self, notice: Notice, why: str) -> NotifyResult:
        self.notices.keep_undelivered(notice, why)
        _log.error(
            "notification undelivered; kept in the queue Undelivered",
            extra={"call_id": notice.call_id, "sequence": notice.sequence, "attempts": notice.attempt, "why": why},
        )
        return NotifyResult.UNDELIVERED
