"""What an app used on one day: the calls that ended on it, in UTC."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from duologue.domain.calls.outcome import EndReason


@dataclass(frozen=True, slots=True)
class DayUsage:
    """`talked`: calls in which both parties were connected. `talk_s`: seconds of talk, rounded up for each call.

    `cost`: estimated telephone charges in micro-USD, by the operator's rates.
    """

    calls: int = 0
    talked: int = 0
    talk_s: int = 0
    cost: int = 0
    ends: Mapping[EndReason, int] = field(default_factory=dict)
    """Calls by the reason of their end; a reason without calls is missing."""
    calls_by_hour: Mapping[int, int] = field(default_factory=dict)
    """By the hour of their end, 0 to 23."""
    talked_by_hour: Mapping[int, int] = field(default_factory=dict)

    def plus(self, other: "DayUsage") -> "DayUsage":
        return DayUsage(
            self.calls + other.calls,
            self.talked + other.talked,
            self.talk_s + other.talk_s,
            self.cost + other.cost,
            Counter(self.ends) + Counter(other.ends),
            Counter(self.calls_by_hour) + Counter(other.calls_by_hour),
            Counter(self.talked_by_hour) + Counter(other.talked_by_hour),
        )


def total(usages: Iterable[DayUsage]) -> DayUsage:
    whole = DayUsage()
    for each in usages:
        whole = whole.plus(each)
    return whole
