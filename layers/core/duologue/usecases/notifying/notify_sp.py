"""Notify an SP of one fact of a call, and not again once it has acknowledged it (R11).

The end and the CDR of a call are delivered at least once, with retries over three days. A step of a leg is retried
only until the SP acknowledges a later fact or the call is over: the original platform never repeats it, receivers take
the last event for the state of the call, and the later one includes it.

    first attempt ──acknowledged──▶ ACKNOWLEDGED
         │ not
         ▼
    WAITING, with its due time ──▶ the first two retries: a delayed message; all: the sweeper (queue_due.py)
    put off, with its due time ──▶ the sweeper, into the FIFO queue again
         │ all attempts failed, or 410
         ▼
    UNDELIVERED

Each attempt and what follows is one conditional write, so a notice that is received twice is attempted once, and a
message that is lost is replaced by the sweeper's. The order of the stream does not matter: before the first attempt of
a fact those of the facts before it are made, if they were not. So first attempts of one call must not be made at the
same time: all of them come through its group of the FIFO queue, also those that were put off.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from duologue.call_control.facts import CdrWritten, Step
from duologue.call_control.history import Delivery, DeliveryState, url_of
from duologue.domain.calls.call import Call, Origin, Phase
from duologue.domain.errors import OutsideUnavailable, RaceLost, UnknownApp, UnknownCall
from duologue.domain.notifying.delivery import DELAYS, GIVE_UP, put_off_for, requested_wait, wait_after
from duologue.domain.notifying.endpoint_health import Verdict, origin
from duologue.domain.notifying.webhook_request import WebhookRequest
from duologue.usecases.notifying.make_attempt import make_attempt
from duologue.usecases.ports.notifying import (
    Measurements,
    Notice,
    Notices,
    Notification,
    NotificationLog,
    NotMeasured,
    SpEndpoints,
    WebhookFormat,
)
from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)
_SWITCHED_OFF = "the endpoint is switched off: it answered 410 Gone"
_NOT_ANSWERING = "the endpoint did not answer others, so this was not attempted"
_QUEUED_RETRIES = 2
"""So many retries come by a message that notify_sp sends to its own queue. AWS ends such a chain after some 16."""
_LONGEST_QUEUED = timedelta(minutes=15)
"""The longest delay of a message in SQS."""
_GRACE = timedelta(minutes=2)
"""After this the sweeper replaces a message that has not come."""
_MOST_RACES = 5
"""Of writing the health of an endpoint; after them this one request is not counted."""


class NotifyResult(StrEnum):
    """The result of one notice."""

    ACKNOWLEDGED = "acknowledged"
    VOID = "void"  # the attempt was made already, or nothing waits for it any more
    NOT_FOR_SP = "not for the SP"  # a fact without notification, or the SP has no URL for it
    OVERTAKEN = "overtaken"  # an unacknowledged step of a leg, and a later fact was, or the call is over
    RETRY_LATER = "retry later"  # not acknowledged; a retry is due later
    UNDELIVERED = "undelivered"  # not acknowledged, and not retried


@dataclass(frozen=True, slots=True)
class NotifySp:
    """`chance`: returns a random number from 0 up to 1. `delays`: the wait after each attempt."""

    log: NotificationLog
    webhooks: WebhookFormat
    endpoints: SpEndpoints
    notices: Notices
    clock: Clock
    chance: Callable[[], float]
    delays: Sequence[timedelta] = DELAYS
    measurements: Measurements = NotMeasured()

    def __call__(self, notice: Notice) -> NotifyResult:
        """Make one attempt; before a first one, the first ones of earlier facts that were not made.

        Raises:
            OutsideUnavailable: storage is unavailable; the message must be retried.
            RaceLost: others keep changing the delivery; the same.
        """
        try:
            notification = self.log.notification(notice)
        except (UnknownCall, UnknownApp) as error:  # expired while it waited, or deleted by the operator
            return self._give_up(notice, type(error).__name__)
        if self._is_first_of_several(notice, notification):
            for earlier in self.log.not_attempted(notice):
                its = self.log.notification(earlier)
                if its.delivery is None:
                    self._notify(earlier, its)
                elif its.delivery.is_put_off and not self._must_wait(its):  # perhaps once more meanwhile
                    self._notify(replace(earlier, version=its.delivery.version), its)
            if notification.delivery is not None or notification.health.circuits:
                notification = self.log.notification(notice)
        return self._notify(notice, notification)

    def _is_first_of_several(self, notice: Notice, notification: Notification) -> bool:
        """Whether this is a first attempt, and an earlier fact may have had none: it was put off, or is not here yet.

        While its own endpoint answers nothing, it is not made anyway.
        """
        call, delivery = notification.call, notification.delivery
        is_first = not notification.follows if delivery is None else delivery.is_put_off
        return is_first and not self._must_wait(notification) and _has_one_before(call, notice)

    def _must_wait(self, notification: Notification) -> bool:
        """The endpoint of the fact answers nothing at present."""
        url = url_of(notification.call, notification.fact)
        return url is not None and notification.health.verdict(url, self.clock.now()) is Verdict.WAIT

    def _notify(self, notice: Notice, notification: Notification) -> NotifyResult:
        delivery = notification.delivery
        if delivery is not None and not (
            delivery.state is DeliveryState.WAITING and delivery.version == notice.version
        ):
            return NotifyResult.VOID
        overtaken = self._is_overtaken(notification, notice.sequence)
        if overtaken and delivery is not None:
            return self._settle(notice, delivery, DeliveryState.OVERTAKEN, "")
        request = self.webhooks.request(
            notification.call,
            notice.sequence,
            notification.fact,
            notification.cdr,
            notification.app,
            self.clock.now(),
        )
        if delivery is None:
            self.measurements.fact(notification.fact)
            if isinstance(notification.fact, CdrWritten) and notification.cdr is not None:
                self.measurements.ended(notification.cdr)
        if request is None:
            return NotifyResult.NOT_FOR_SP
        now, health, probes = self.clock.now(), notification.health, False
        match health.verdict(request.url, now):
            case Verdict.SWITCHED_OFF:
                return self._settle(notice, delivery, DeliveryState.UNDELIVERED, _SWITCHED_OFF)
            case Verdict.WAIT:
                return self._put_off(notice, delivery)
            case Verdict.PROBE:
                health = health.probing(request.url, now)
                try:
                    self.log.save_health(notice.app, health, now)
                except RaceLost:  # another one is the probe
                    return self._put_off(notice, delivery)
                probes, health = True, replace(health, version=health.version + 1)
        notification = replace(notification, health=health)
        return self._attempt(notice, notification, request, overtaken=overtaken, probes=probes)

    def _put_off(self, notice: Notice, delivery: Delivery | None) -> NotifyResult:
        """The endpoint answers nothing at present: not an attempt, and none of the schedule's."""
        now = self.clock.now()
        before = delivery or Delivery(DeliveryState.WAITING, now)
        if now - before.since > GIVE_UP:
            return self._settle(notice, before, DeliveryState.UNDELIVERED, _NOT_ANSWERING)
        due = now + put_off_for(before.put_off, self.chance())
        after = replace(before, state=DeliveryState.WAITING, due=due, put_off=before.put_off + 1)
        self.log.save_delivery(notice, after)
        return NotifyResult.RETRY_LATER

    def _settle(self, notice: Notice, delivery: Delivery | None, state: DeliveryState, note: str) -> NotifyResult:
        before = delivery or Delivery(state, self.clock.now())
        self.log.save_delivery(notice, replace(before, state=state, due=None, note=note))
        if state is DeliveryState.UNDELIVERED:
            self._log_undelivered(notice, note)
        return _RESULTS[state]

    def _is_overtaken(self, notification: Notification, sequence: int) -> bool:
        """The first attempt of a step is made in any case, so only the end overtakes it."""
        call = notification.call
        if not isinstance(notification.fact, Step):
            return False
        if notification.delivery is not None and notification.delivery.requested:
            return False
        again = notification.delivery is not None
        return call.phase is Phase.OVER or (again and self.log.is_later_acknowledged(call, sequence))

    def _attempt(
        self, notice: Notice, notification: Notification, request: WebhookRequest, *, overtaken: bool, probes: bool
    ) -> NotifyResult:
        before = notification.delivery
        about = {"call_id": notice.call_id, "sequence": notice.sequence}
        tried = make_attempt(request, self.endpoints, self.webhooks, self.clock, about=about)
        attempt, reply, now = tried.attempt, tried.reply, self.clock.now()
        lag = now - notification.fact.at
        self.measurements.attempt(notification.app.key, lag, acknowledged=tried.is_acknowledged)
        self._note_health(notification, request.url, reply.status, now, probes=probes)
        tries = 1 if before is None else before.tries + 1
        wait = wait_after(tries, self.chance(), requested_wait(reply.retry_after, now), self.delays)
        after = Delivery(DeliveryState.UNDELIVERED, attempt.at, (attempt,), tries, note=attempt.note)
        if tried.is_acknowledged:
            after = replace(after, state=DeliveryState.ACKNOWLEDGED, note="")
        elif overtaken:
            after = replace(after, state=DeliveryState.OVERTAKEN, note="")
        elif wait is not None and not tried.is_gone:
            after = replace(after, state=DeliveryState.WAITING, due=now + wait, note="")
        return self._record(notice, before, after)

    def _note_health(
        self, notification: Notification, url: str, status: int | None, now: datetime, *, probes: bool
    ) -> None:
        """Best effort. Requests that fail at about the same moment are all counted, so that they open the circuit."""
        app, before = notification.app, notification.health
        try:
            for _ in range(_MOST_RACES):
                after = before.answered(url, status, now, own=url in (app.status_url, app.fee_url), probe=probes)
                if after == before:
                    return
                try:
                    self.log.save_health(app.key, after, now)
                except RaceLost:
                    before = self.log.endpoint_health(app.key)
                    continue
                if after.gone != before.gone and url in after.gone:
                    _log.error("endpoint switched off: 410 Gone", extra={"app": app.key, "host": origin(url)})
                return
        except OutsideUnavailable:
            _log.info("health of the endpoint not noted", extra={"app": app.key}, exc_info=True)

    def _record(self, notice: Notice, before: Delivery | None, after: Delivery) -> NotifyResult:
        """Write the outcome of an attempt, then queue the retry if it is one of the first."""
        wait = None if after.due is None else after.due - self.clock.now()
        queued = after.tries <= _QUEUED_RETRIES and wait is not None and wait <= _LONGEST_QUEUED
        look_at = after.due + _GRACE if queued and after.due is not None else None
        saved = _continued(before, after)
        try:
            version = self.log.save_delivery(notice, saved, look_at)
        except RaceLost:  # sent again or cancelled meanwhile, or a repeat of our own write
            before = self.log.notification(notice).delivery
            saved = _merged(before, after)
            look_at = look_at if saved.due == after.due else None
            version = saved.version if saved == before else self.log.save_delivery(notice, saved, look_at)
        if saved.state is DeliveryState.UNDELIVERED:
            self._log_undelivered(notice, saved.note)
        if queued and wait is not None and saved.state is DeliveryState.WAITING:
            try:
                self.notices.queue_again([replace(notice, version=version)], wait)
            except OutsideUnavailable:
                _log.warning("retry not queued; the sweeper will", extra={"call_id": notice.call_id}, exc_info=True)
        return _RESULTS[saved.state]

    def _give_up(self, notice: Notice, why: str) -> NotifyResult:
        self.log.give_up(notice, why)
        self._log_undelivered(notice, why)
        return NotifyResult.UNDELIVERED

    def _log_undelivered(self, notice: Notice, why: str) -> None:
        extra = {"call_id": notice.call_id, "sequence": notice.sequence, "why": why}
        _log.error("notification undelivered", extra=extra)


_RESULTS = {
    DeliveryState.ACKNOWLEDGED: NotifyResult.ACKNOWLEDGED,
    DeliveryState.OVERTAKEN: NotifyResult.OVERTAKEN,
    DeliveryState.WAITING: NotifyResult.RETRY_LATER,
    DeliveryState.UNDELIVERED: NotifyResult.UNDELIVERED,
    DeliveryState.CANCELLED: NotifyResult.VOID,
}


def _has_one_before(call: Call, notice: Notice) -> bool:
    """Whether the fact before this one is notified: the first of a callback, its acceptance, is not."""
    first = 2 if call.origin is Origin.CALLBACK else 1
    return notice.sequence > first and call.notify.status_url is not None


def _continued(before: Delivery | None, after: Delivery) -> Delivery:
    """`after` one attempt, as the continuation of what was read before it."""
    if before is None:
        return after
    attempts = (*before.attempts, *after.attempts)
    return replace(after, since=before.since, attempts=attempts, version=before.version, requested=before.requested)


def _merged(before: Delivery | None, after: Delivery) -> Delivery:
    """The same if the delivery was changed meanwhile: an acknowledgement counts, any other outcome is only kept."""
    if before is None or before.attempts[-1:] == after.attempts:
        return before or after
    if after.is_acknowledged:
        return _continued(before, after)
    return replace(before, attempts=(*before.attempts, *after.attempts))
