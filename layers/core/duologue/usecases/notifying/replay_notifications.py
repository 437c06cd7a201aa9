"""Send notifications again on request of the SP: one, or all of a span of time. The sweeper queues them in a minute.

A notification that is sent again begins its schedule anew, also if it was acknowledged, and a later fact does not
overtake it.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from duologue.call_control.app_events import EventPosition, Replayed
from duologue.call_control.facts import CallAccepted
from duologue.call_control.history import Delivery, DeliveryState, History
from duologue.domain.access.accounts import App
from duologue.domain.errors import RaceLost, UnknownCall, UnknownNotification
from duologue.usecases.ports.calls import Histories
from duologue.usecases.ports.notifying import AppEvents, Notice, NotificationLog
from duologue.usecases.ports.outside import Clock

MOST_EVENTS = 100


@dataclass(frozen=True, slots=True)
class ReplayNotifications:
    histories: Histories
    events: AppEvents
    log: NotificationLog
    clock: Clock

    def one(self, app: App, call_id: str, sequence: int) -> None:
        """Raises UnknownNotification."""
        try:
            history = self._history(app, call_id)
        except UnknownCall as error:
            raise UnknownNotification(call_id) from error
        if sequence not in history.sources:
            raise UnknownNotification(call_id)
        self._again(history, sequence)

    def span(self, app: App, begin: datetime, end: datetime) -> Replayed:
        """Those of the events that were committed from `begin` up to and in the second of `end`."""
        after = EventPosition(int(begin.timestamp()), "", 0)
        found = self.events.after(app.key, after, int(end.timestamp()), MOST_EVENTS + 1)
        events, rest = found[:MOST_EVENTS], found[MOST_EVENTS:]
        histories = {call_id: self._history(app, call_id) for call_id in {event.call.id for event in events}}
        sequences = [(event.call.id, sequence) for event in events for sequence in event.facts]
        for call_id, sequence in sequences:
            self._again(histories[call_id], sequence)
        second = rest[0].position.second if rest else None
        return Replayed(len(sequences), None if second is None else datetime.fromtimestamp(second, begin.tzinfo))

    def _history(self, app: App, call_id: str) -> History:
        history = self.histories.history(call_id)
        if history.call.app != app.key:
            raise UnknownCall(call_id)
        return history

    def _again(self, history: History, sequence: int) -> None:
        """Nothing for a fact that an attempt is made of at this moment."""
        now = self.clock.now()
        if isinstance(history.by_sequence[sequence], CallAccepted):
            return
        before = history.deliveries.get(sequence) or Delivery(DeliveryState.WAITING, now)
        notice = Notice(history.call.id, sequence, history.sources[sequence], history.call.app)
        try:
            self.log.save_delivery(notice, begun_anew(before, now))
        except RaceLost:
            return


def begun_anew(before: Delivery, now: datetime) -> Delivery:
    """With its schedule begun anew, whatever its state, and not overtaken by a later fact."""
    return replace(before, state=DeliveryState.WAITING, since=now, tries=0, put_off=0, due=now, note="", requested=True)
