"""Notify an SP of one fact of a call, and not again once it has acknowledged it (R11).

The end and the account of a call are told at least once: they come again for a day and more. A step of a leg comes
again only while the call lasts: the wire's original never repeats it, its receivers act on it, and about a call that is
over they would act too late.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
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
    """What became of one notice."""

    ACKNOWLEDGED = "acknowledged"
    ALREADY_ACKNOWLEDGED = "already acknowledged"
    NOT_FOR_SP = "not for the SP"  # no fact for SPs, or this one named no URL for it
    OUTDATED = "outdated"  # a step of a leg that was not acknowledged, and the call is over
    NOT_DUE = "not due"
    RETRY_LATER = "retry later"  # not acknowledged; it is on the schedule
    UNDELIVERED = "undelivered"  # not acknowledged, and not tried again; it is kept


def notify_sp(
    notice: Notice,
    *,
    log: NotificationLog,
    webhooks: WebhookFormat,
    endpoints: SpEndpoints,
    notices: Notices,
    clock: Clock,
    chance: Callable[[], float],
) -> NotifyResult:
    """Make one attempt. `chance` gives a number from 0 up to 1, anew each time.

    Raises:
        OutsideUnavailable: storage or a queue is out of reach; the notice must come again.
    """
    now = clock.now()
    if notice.due is not None and now < notice.due:
        notices.queue_again(notice, now)
        return NotifyResult.NOT_DUE
    try:
        notification = log.notification(notice)
    except (UnknownCall, UnknownApp) as error:  # kept for less time than a queue held it, or removed by the operator
        return _give_up(notice, notices, type(error).__name__)
    fact = notification.fact
    if notification.is_acknowledged:
        return NotifyResult.ALREADY_ACKNOWLEDGED
    overtaken = isinstance(fact, LegFact) and notification.call.phase is Phase.OVER
    if overtaken and notice.attempt > 1:
        return NotifyResult.OUTDATED
    request = webhooks.request(notification.call, fact, notification.cdr, notification.app, now)
    if request is None:
        return NotifyResult.NOT_FOR_SP
    reply = endpoints.post(request)
    acknowledged = webhooks.is_acknowledged(fact, reply)
    note = reply.note or ("" if acknowledged else "not taken")
    delivery = Delivery(notice.attempt, now, request.url, acknowledged=acknowledged, status=reply.status, note=note)
    log.record_delivery(notice.call_id, notice.sequence, delivery)
    if acknowledged:
        return NotifyResult.ACKNOWLEDGED
    if overtaken:
        return NotifyResult.OUTDATED
    return _put_aside(notice, notices, clock, chance(), note)


def _put_aside(notice: Notice, notices: Notices, clock: Clock, chance: float, why: str) -> NotifyResult:
    wait = wait_after(notice.attempt, chance)
    if wait is None:
        return _give_up(notice, notices, why)
    now = clock.now()
    notices.queue_again(replace(notice, attempt=notice.attempt + 1, due=now + wait), now)
    return NotifyResult.RETRY_LATER


def _give_up(notice: Notice, notices: Notices, why: str) -> NotifyResult:
    notices.keep_undelivered(notice, why)
    _log.error(
        "a notification was not delivered",
        extra={"call_id": notice.call_id, "sequence": notice.sequence, "attempts": notice.attempt, "why": why},
    )
    return NotifyResult.UNDELIVERED
