"""What an app may use on one day in UTC: calls, minutes of talk, and estimated spend.

A call reserves for its longest talk when it is accepted, and what it has not used is given back when it is finalized.
So a ceiling is exceeded at most by the moments in which calls at their limits are hung up, and while calls are up less
is free than is used.

The counts of a day are kept in shards, so that calls of one app seldom meet on an item. Each has an equal share of the
ceilings, of which a call is taken without looking at the others. Once a share is used up, all shards are looked at for
the rest of the day, and a call is taken if it fits into the whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, timedelta
from math import ceil
from typing import NamedTuple

from duologue.domain.access.accounts import Ceilings
from duologue.domain.accounting.cdr import talk_time
from duologue.domain.accounting.charges import MICRO, LegCharge, Rates
from duologue.domain.calls.call import Call
from duologue.domain.errors import Ceiling

MOST_SHARDS = 8
_CALLS_IN_A_SHARE = 16
"""An app whose ceilings have room for fewer calls has fewer shards: it places few calls anyway."""
_USUAL_RATE = 40_000
"""Micro-USD a minute for both legs, to judge how many calls a ceiling of spend has room for."""
_SECONDS_PER_MINUTE = 60


class Used(NamedTuple):
    """In the order of `Ceiling`. `seconds`: of talk. `cost`: micro-USD. As a ceiling: 0 is none."""

    calls: int = 0
    seconds: int = 0
    cost: int = 0

    def plus(self, other: "Used") -> "Used":
        return Used(*(one + more for one, more in zip(self, other, strict=True)))


NAMES = Used._fields


@dataclass(frozen=True, slots=True)
class DayBudget:
    """The ceilings `most` of one day, what a call reserves, and in how many shards the day is counted.

    `rates`: micro-USD a minute for the caller's and the callee's leg.
    """

    day: str
    most: Used
    takes: Used
    shards: int
    rates: Rates = (0, 0)

    def exceeded(self, used: Used) -> Ceiling | None:
        """The first ceiling that the call would exceed after `used`."""
        together = zip(Ceiling, self.most, used.plus(self.takes), strict=True)
        return next((name for name, most, after in together if most and after > most), None)

    @property
    def share(self) -> Used:
        """Of one shard. A ceiling that is set never becomes 0, which would be none."""
        return Used(*(most and max(1, most // self.shards) for most in self.most))


def budget_for(ceilings: Ceilings, call: Call) -> DayBudget | None:
    """The budget of the day on which a call is accepted, or None if the app has no ceiling of this kind."""
    most = Used(ceilings.calls, ceilings.minutes * _SECONDS_PER_MINUTE, ceilings.spend * MICRO)
    if not any(most):
        return None
    longest = int(call.longest_talk.total_seconds())
    day, rates = f"{call.accepted_at.astimezone(UTC):%Y%m%d}", call.rates or (0, 0)
    return DayBudget(day, most, Used(1, longest, _cost(longest, sum(rates))), _shards(ceilings, most), rates)


def least_spend(longest: timedelta, cheapest: int) -> int:
    """Micro-USD that a callback of this longest talk reserves at least. `cheapest`: micro-USD a minute of a leg."""
    return _cost(int(longest.total_seconds()), 2 * cheapest)


def _shards(ceilings: Ceilings, most: Used) -> int:
    """By the settings alone: all calls of a day must agree on it."""
    longest = int(ceilings.longest_call.total_seconds())
    usual = Used(1, longest, _cost(longest, _USUAL_RATE))
    room = [limit // (takes * _CALLS_IN_A_SHARE) for limit, takes in zip(most, usual, strict=True) if limit]
    return max(1, min(MOST_SHARDS, *room))


@dataclass(frozen=True, slots=True)
class Reservation:
    """What an accepted call holds of its day's budget, kept with the call until its end."""

    day: str
    shard: int
    seconds: int
    cost: int
    rates: Rates

    @classmethod
    def of(cls, budget: DayBudget, shard: int) -> "Reservation":
        return cls(budget.day, shard, budget.takes.seconds, budget.takes.cost, budget.rates)

    def settled(self, call: Call, *, withdrawn: bool = False) -> Used:
        """What the end of a call changes in its shard: what it used, less what it reserved.

        `withdrawn`: it does not count as a call, either.
        """
        used = ceil(talk_time(call.caller, call.callee).total_seconds())
        legs = zip((call.caller, call.callee), self.rates, strict=True)
        cost = sum(LegCharge.of_leg(leg, rate).cost for leg, rate in legs)
        return Used(-1 if withdrawn else 0, used - self.seconds, cost - self.cost)

    @property
    def text(self) -> str:
        return "#".join(map(str, (self.day, self.shard, self.seconds, self.cost, *self.rates)))

    @classmethod
    def parse(cls, text: str) -> "Reservation":
        day, *numbers = text.split("#")
        shard, seconds, cost, caller, callee = map(int, numbers)
        return cls(day, shard, seconds, cost, (caller, callee))


def total(shards: Iterable[Used]) -> Used:
    whole = Used()
    for each in shards:
        whole = whole.plus(each)
    return whole


def _cost(seconds: int, rate: int) -> int:
    return LegCharge.of(seconds, rate).cost
