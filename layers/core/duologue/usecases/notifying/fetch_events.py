"""Fetch the events of an app after a position, in order and without gaps."""

from dataclasses import dataclass
from datetime import timedelta

from duologue.call_control.app_events import EventPage, EventPosition
from duologue.domain.access.accounts import App
from duologue.usecases.ports.notifying import AppEvents
from duologue.usecases.ports.outside import Clock

SETTLED = timedelta(seconds=10)
"""What is younger may still be overtaken: by a commit under way, a slower clock, an index that lags."""


@dataclass(frozen=True, slots=True)
class FetchEvents:
    events: AppEvents
    clock: Clock

    def __call__(self, app: App, after: EventPosition | None, limit: int) -> EventPage:
        """Raises OutsideUnavailable: storage is unavailable."""
        until = int((self.clock.now() - SETTLED).timestamp())
        found = self.events.after(app.key, after, until, limit + 1)
        return EventPage(found[:limit], more=len(found) > limit)
