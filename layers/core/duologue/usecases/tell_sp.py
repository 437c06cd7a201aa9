"""Tell an SP one fact of a call, and not again once it has taken it (R11).

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
from duologue.usecases.ports import Apps, Calls, Clock, Correspondence, Notice, Notices, SpEndpoints

_log = logging.getLogger(__name__)


class Told(StrEnum):
    """What became of one notice."""

    TAKEN = "taken"
    TAKEN_BEFORE = "taken before"
    NOT_TOLD = "not told"  # the fact is not for the SP, or the SP named no URL for it
    OVERTAKEN = "overtaken"  # a step of a leg that was not taken, and the call is over
    NOT_DUE = "not due"
    AGAIN = "again"  # not taken; it is on the schedule
    UNDELIVERED = "undelivered"  # not taken, and not tried again; it is kept


def tell_sp(
    notice: Notice,
    *,
    calls: Calls,
    apps: Apps,
    correspondence: Correspondence,
    endpoints: SpEndpoints,
    notices: Notices,
    clock: Clock,
    chance: Callable[[], float],
) -> Told:
    """Make one attempt. `chance` gives a number from 0 up to 1, anew each time.

    Raises:
        OutsideUnavailable: storage or a queue is out of reach; the notice must come again.
    """
    now = clock.now()
    if notice.due is not None and now < notice.due:
        notices.queue_again(notice, now)
        return Told.NOT_DUE
    try:
        call = calls.load(notice.call_id).call
        fact = calls.fact(notice.call_id, notice.sequence)
        app = apps.app(call.app)
    except (UnknownCall, UnknownApp) as error:  # kept for less time than a queue held it, or removed by the operator
        return _give_up(notice, notices, type(error).__name__)
    if calls.told(notice.call_id, notice.sequence):
        return Told.TAKEN_BEFORE
    overtaken = isinstance(fact, LegFact) and call.phase is Phase.OVER
    if overtaken and notice.attempt > 1:
        return Told.OVERTAKEN
    letter = correspondence.letter(call, fact, app, now)
    if letter is None:
        return Told.NOT_TOLD
    reply = endpoints.post(letter)
    taken = correspondence.is_taken(fact, reply)
    note = reply.note or ("" if taken else "not taken")
    delivery = Delivery(notice.attempt, now, letter.url, taken=taken, status=reply.status, note=note)
    calls.record_delivery(notice.call_id, notice.sequence, delivery)
    if taken:
        return Told.TAKEN
    if overtaken:
        return Told.OVERTAKEN
    return _put_aside(notice, notices, clock, chance(), note)


def _put_aside(notice: Notice, notices: Notices, clock: Clock, chance: float, why: str) -> Told:
    wait = wait_after(notice.attempt, chance)
    if wait is None:
        return _give_up(notice, notices, why)
    now = clock.now()
    notices.queue_again(replace(notice, attempt=notice.attempt + 1, due=now + wait), now)
    return Told.AGAIN


def _give_up(notice: Notice, notices: Notices, why: str) -> Told:
    notices.keep_undelivered(notice, why)
    _log.error(
        "a notification was not delivered",
        extra={"call_id": notice.call_id, "sequence": notice.sequence, "attempts": notice.attempt, "why": why},
    )
    return Told.UNDELIVERED
