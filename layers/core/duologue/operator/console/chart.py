"""Charts of counts, as places in per cent of a drawing's width and height. The templates only write them as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from duologue.domain.accounting.usage import DayUsage

_HOURS = 24
_GAP = 0.6
"""Per cent of the width between two hours."""


@dataclass(frozen=True, slots=True)
class Hour:
    """One column: calls in which both talked, the others above them, and a line for the day it is compared with."""

    left: float
    width: float
    talked: float
    other: float
    before: float
    title: str


@dataclass(frozen=True, slots=True)
class HoursChart:
    """Heights in per cent of the drawing's. `most`: the calls of its whole height."""

    hours: Sequence[Hour]
    most: int


def by_hour(today: DayUsage, before: DayUsage, day: str) -> HoursChart:
    """`day`: what the other day is called. Hours are of UTC, as usage is counted."""
    counts = [*today.calls_by_hour.values(), *before.calls_by_hour.values()]
    most = _rounded(max(counts, default=0))
    column = 100 / _HOURS
    hours = []
    for hour in range(_HOURS):
        calls, talked = today.calls_by_hour.get(hour, 0), today.talked_by_hour.get(hour, 0)
        then = before.calls_by_hour.get(hour, 0)
        title = f"{hour}:00 to {hour + 1}:00 UTC: {calls} calls, {talked} talked; {day} {then}"
        parts = (_part(talked, most), _part(calls - talked, most), _part(then, most))
        hours.append(Hour(round(hour * column + _GAP / 2, 2), round(column - _GAP, 2), *parts, title))
    return HoursChart(hours, most)


def shares(counts: Mapping[str, int]) -> list[tuple[str, int, float]]:
    """Most first, each with its per cent of the greatest."""
    most = max(counts.values(), default=0)
    found = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [(name, count, _part(count, most)) for name, count in found if count]


def _part(count: int, most: int) -> float:
    return round(100 * count / most, 2) if most else 0.0


def _rounded(count: int) -> int:
    """The next 1, 2 or 5 times a power of ten."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= count:
                return factor * step
        step *= 10
