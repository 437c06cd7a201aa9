"""Find notifications that wait or were given up, let them be attempted now, or cancel them. The operator does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from duologue.call_control.app_events import EventPosition
from duologue.call_control.history import Delivery, DeliveryState, History, url_of
from duologue.domain.errors import RaceLost, UnknownCall
from duologue.domain.notifying.endpoint_health import origin
from duologue.usecases.notifying.replay_notifications import begun_anew
from duologue.usecases.ports.calls import Histories
from duologue.usecases.ports.notifying import AppEvents, Notice, NotificationLog
from duologue.usecases.ports.outside import Clock

_OUTSTANDING = (DeliveryState.WAITING, DeliveryState.UNDELIVERED)
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A notification that waits for an attempt or was given up. `url`: where it is posted."""

    notice: Notice
    url: str
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class ManageNotifications:
    histories: Histories
    events: AppEvents
    log: NotificationLog
    clock: Clock

    def of_app(self, app_key: str, origin_of: str = "") -> Iterator[Outstanding]:
        """By when their schedules began, up to now. `origin_of`: only those for the origin of this URL."""
        until, position = int(self.clock.now().timestamp()), None
        while page := self.events.undelivered(app_key, position, _PAGE):
            for each in page:
                if each.position.second > until:  # it was sent again meanwhile
                    return
                yield from self._one(each.position, origin_of)
            position = page[-1].position

    def of_call(self, call_id: str, sequence: int | None = None, origin_of: str = "") -> Iterator[Outstanding]:
        """In order; `sequence`: only this one. Raises UnknownCall."""
        history = self.histories.history(call_id)
        for number in sorted(history.deliveries) if sequence is None else [sequence]:
            yield from _outstanding(history, number, origin_of)

    def _one(self, position: EventPosition, origin_of: str) -> Iterator[Outstanding]:
        try:
            history = self.histories.history(position.call_id)
        except UnknownCall:  # some of it has expired
            return
        yield from _outstanding(history, position.first, origin_of)

    def retry_now(self, outstanding: Outstanding) -> bool:
        """Let it be attempted by the next sweep, whatever was notified since; one that was given up begins anew.

        One that was put off before its first attempt goes back to its place in the order of the call. False: it is due
        already, or has just changed.
        """
        now, before = self.clock.now(), outstanding.delivery
        if before.state is DeliveryState.UNDELIVERED:
            return self._save(outstanding, begun_anew(before, now))
        if before.due is None or before.due <= now:
            return False
        requested = before.requested or before.tries > 0
        return self._save(outstanding, replace(before, due=now, put_off=0, requested=requested))

    def cancel(self, outstanding: Outstanding) -> bool:
        """Attempt it no more; it is not listed any more either. False: it has just changed."""
        cancelled = replace(outstanding.delivery, state=DeliveryState.CANCELLED, due=None, note="by the operator")
        return self._save(outstanding, cancelled)

    def _save(self, outstanding: Outstanding, delivery: Delivery) -> bool:
        try:
            self.log.save_delivery(outstanding.notice, delivery)
        except RaceLost:
            return False
        return True


def _outstanding(history: History, sequence: int, origin_of: str) -> Iterator[Outstanding]:
    delivery, source = history.deliveries.get(sequence), history.sources.get(sequence)
    if delivery is None or source is None or delivery.state not in _OUTSTANDING:
        return
    call = history.call
    url = url_of(call, history.by_sequence[sequence]) or ""
    if not origin_of or origin(url) == origin(origin_of):
        yield Outstanding(Notice(call.id, sequence, source, call.app), url, delivery)
