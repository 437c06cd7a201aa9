"""How apps and their SPs' servers stand: what is undelivered, which endpoints fail, which limits are in use."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from duologue.adapters.basics.threads import at_once
from duologue.domain.access.accounts import App
from duologue.domain.accounting.charges import MICRO
from duologue.domain.accounting.usage import DayUsage
from duologue.domain.notifying.endpoint_health import EndpointHealth
from duologue.operator.console.desk import Desk

_FRESH = timedelta(seconds=10)
_MOST = 100
"""Undelivered notifications of an app that are counted."""
NEAR = 0.8
"""The share of a limit from which on it is pointed at."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`most`: 0: there is none."""

    name: str
    used: float
    most: float

    @property
    def part(self) -> float:
        """0 to 100."""
        return round(min(100.0, 100 * self.used / self.most), 1) if self.most else 0.0

    @property
    def is_near(self) -> bool:
        return bool(self.most) and self.used >= NEAR * self.most


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one app. `undelivered`: those that wait or were given up, up to a hundred; `oldest`: since when the first."""

    app: App
    undelivered: int
    oldest: datetime | None
    health: EndpointHealth
    limits: Sequence[Limit]

    @property
    def undelivered_text(self) -> str:
        return f"{_MOST} or more" if self.undelivered >= _MOST else str(self.undelivered)


def today_of(desk: Desk) -> date:
    """Of UTC, as usage is counted."""
    return desk.now().astimezone(UTC).date()


def usage_of(desk: Desk, day: date) -> Mapping[str, DayUsage]:
    return desk.known(f"usage {day}", lambda: desk.usages.of_day(day), _FRESH)


def standings(desk: Desk) -> Sequence[Standing]:
    """Of all apps, by SP. As it was ten seconds ago at most; settings may be a minute old."""
    return desk.known("standings", lambda: _read(desk), _FRESH)


def _read(desk: Desk) -> Sequence[Standing]:
    used = usage_of(desk, today_of(desk))
    held = Counter(slot.app for slot in desk.end_calls.open_calls.held_slots())
    apps = sorted(desk.apps(naming=used.keys() | held.keys()), key=lambda each: (each.sp, each.app_key))
    read = [partial(_standing, desk, each.app_key, held, used) for each in apps]
    return [each for each in at_once(read) if each is not None]


def _standing(desk: Desk, key: str, held: Mapping[str, int], used: Mapping[str, DayUsage]) -> Standing | None:
    """None: the app was removed."""
    app = desk.known(f"app {key}", lambda: desk.app(key), timedelta(minutes=1))
    if app is None:
        return None
    waiting = desk.notifications.events.undelivered(key, None, _MOST)
    oldest = min((each.delivery.since for each in waiting), default=None)
    limits = _limits(app, held.get(key, 0), used.get(key, DayUsage()))
    return Standing(app, len(waiting), oldest, desk.log.endpoint_health(key), limits)


def _limits(app: App, held: int, used: DayUsage) -> list[Limit]:
    return [
        Limit(f"calls at once{_return_calls(app)}", held, app.concurrent_calls),
        Limit("calls today", used.calls, app.calls_per_day),
        Limit("minutes today", round(used.talk_s / 60, 1), app.minutes_per_day),
        Limit("USD today", round(used.cost / MICRO, 2), app.spend_per_day),
    ]


def _return_calls(app: App) -> str:
    most = app.concurrent_return_calls
    return f" ({most} return calls at most)" if 0 < most < app.concurrent_calls else ""
