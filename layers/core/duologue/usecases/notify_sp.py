"""Notify an SP of one fact of a call, and not again once it has acknowledged it (R11).

The end and the CDR of a call are delivered at least once, with retries over more than a day. A step of a leg is retried
only during the call: the original platform never repeats it, receivers act on it, and after the call they would act too
late.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from duologue.call_control.facts import LegFact
from duologue.call_control.history import Delivery
from duologue.domain.call import Phase
from duologue.domain.delivery import wait_after
from duologue.domain.errors import UnknownApp, UnknownCall
from duologue.usecases.ports.notifying import Notice, Notices, NotificationLog, SpEndpoints, WebhookFormat
from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)


class NotifyResult(StrEnum):
    """The result of one notice."""

    ACKNOWLEDGED = "acknowledged"
    ALREADY_ACKNOWLEDGED = "already acknowledged"
    NOT_FOR_SP = "not for the SP"  # a fact without notification, or the SP has no URL for it
    OUTDATED = "outdated"  # an unacknowledged step of a leg, and the call is over
    NOT_DUE = "not due"
    RETRY_LATER = "retry later"  # not acknowledged; a retry is scheduled
    UNDELIVERED = "undelivered"  # not acknowledged, and not retried; it is kept


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
        fact = notification.fact
        if notification.is_acknowledged:
            return NotifyResult.ALREADY_ACKNOWLEDGED
        overtaken = isinstance(fact, LegFact) and notification.call.phase is Phase.OVER
        if overtaken and notice.attempt > 1:
            return NotifyResult.OUTDATED
        request = self.webhooks.request(notification.call, fact, notification.cdr, notification.app, now)
        if request is None:
            return NotifyResult.NOT_FOR_SP
        reply = self.endpoints.post(request)
        acknowledged = self.webhooks.is_acknowledged(fact, reply)
        note = reply.note or ("" if acknowledged else "not taken")
        delivery = Delivery(notice.attempt, now, request.url, acknowledged=acknowledged, status=reply.status, note=note)
        self.log.record_delivery(notice.call_id, notice.sequence, delivery)
        if acknowledged:
            return NotifyResult.ACKNOWLEDGED
        if overtaken:
            return NotifyResult.OUTDATED
        return self._put_aside(notice, note)

    def _put_aside(self, notice: Notice, why: str) -> NotifyResult:
        wait = wait_after(notice.attempt, self.chance())
        if wait is None:
            return self._give_up(notice, why)
        now = self.clock.now()
        self.notices.queue_again(replace(notice, attempt=notice.attempt + 1, due=now + wait), now)
        return NotifyResult.RETRY_LATER

    def _give_up(self, notice: Notice, why: str) -> NotifyResult:
        self.notices.keep_undelivered(notice, why)
        _log.error(
            "notification undelivered; kept in the queue Undelivered",
            extra={"call_id": notice.call_id, "sequence": notice.sequence, "attempts": notice.attempt, "why": why},
        )
        return NotifyResult.UNDELIVERED
