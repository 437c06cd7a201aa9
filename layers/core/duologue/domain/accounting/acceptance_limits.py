"""The limits of an app, besides countries and number types (dialling_policy.py).

They are checked together, in the transaction that accepts the call, so a refused call counts toward none of them. If
several are reached, the first in this order is reported:

    1. reused idempotency key           not a limit: the first response is returned, whatever the limits are now
    2. calls per second                 per clock second; around the turn of a second twice as many may pass
    3. calls per second of its SP       the same, of all apps of the SP together
    4. calls per display number         per clock minute; a call counts for each of the numbers that it shows
    5. concurrent calls                 one slot per open call; return calls may have a smaller limit of their own
    6. calls per callee per day         per day in UTC; test numbers of the sandbox are not counted
    7. calls per dialled number per day the same, of either party of a call; of a return call, of its callee
    8. the budget of the day            calls, minutes of talk and estimated spend (day_budget.py)
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from duologue.domain.access.accounts import App
from duologue.domain.calls.idempotency import IdempotencyKey
from duologue.domain.errors import NumberRateReached, RefusedForNow, SpRateReached
from duologue.domain.numbers.phone_number import PhoneNumber

if TYPE_CHECKING:
    from duologue.domain.accounting.day_budget import DayBudget
    from duologue.domain.calls.callback_request import CallbackRequest


@dataclass(frozen=True, slots=True)
class CalleeDay:
    """The counter of one callee of one app on one day, with its limit `most`.

    `callee` is a pseudonym of the number, different for each day and app.
    """

    callee: str
    day: date
    most: int
    named: str = field(default="", compare=False)
    """The name that a refusal gives the number."""


class RateOf(StrEnum):
    SP = "SP"
    NUMBER = "NUMBER"


_PERIODS = {RateOf.SP: timedelta(seconds=1), RateOf.NUMBER: timedelta(minutes=1)}
"""A display number's calls are spread more widely than a server's requests."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many calls of one SP, or with one display number, in a period of the clock."""

    of: RateOf
    name: str
    """The SP's id; the number, E.164."""
    most: int

    def begins(self, now: datetime) -> int:
        """The period of `now`: the epoch second in which it began."""
        length = int(_PERIODS[self.of].total_seconds())
        return int(now.timestamp()) // length * length

    def refusal(self, now: datetime) -> RefusedForNow:
        if self.of is RateOf.SP:
            return SpRateReached(self.name, _PERIODS[self.of])
        ends = datetime.fromtimestamp(self.begins(now), UTC) + _PERIODS[self.of]
        return NumberRateReached("display number", max(ends - now, timedelta(seconds=1)))


@dataclass(frozen=True, slots=True)
class AcceptanceLimits:
    """Conditions for accepting a call, besides a free slot. By default there are none."""

    per_second: int = 0
    """0: no limit."""
    callee: CalleeDay | None = None
    key: IdempotencyKey | None = None
    rates: tuple[Rate, ...] = ()
    dialled: tuple[CalleeDay, ...] = ()
    """Of each number that is dialled."""
    budget: "DayBudget | None" = None
    spared_slots: int = 0
    """So many of the app's slots are taken last: its return calls may have no others."""


NO_LIMITS = AcceptanceLimits()


def limits_for(
    app: App, request: "CallbackRequest", now: datetime, key: IdempotencyKey | None, *, is_test: bool
) -> AcceptanceLimits:
    """The limits for a call now. `is_test`: it was placed in the sandbox, which dials only test numbers."""
    counted = app.calls_per_callee_per_day > 0 and not is_test
    callee = callee_day(app, request.callee, now) if counted else None
    rates, spared = tuple(_rates(app, request)), app.concurrent_return_calls
    return AcceptanceLimits(app.calls_per_second, callee, key, rates, spared_slots=spared)


def _rates(app: App, request: "CallbackRequest") -> Iterator[Rate]:
    if app.sp_calls_per_second:
        yield Rate(RateOf.SP, app.sp, app.sp_calls_per_second)
    if app.calls_per_number_per_minute:
        for number in sorted({request.caller_sees.e164, request.callee_sees.e164}):
            yield Rate(RateOf.NUMBER, number, app.calls_per_number_per_minute)


def dialled_days(
    app_key: str, most: int, numbers: Mapping[str, PhoneNumber], now: datetime, hashed: Callable[[str], str]
) -> tuple[CalleeDay, ...]:
    """The counters of numbers that are dialled; none if `most` is 0. `numbers`: by the names that a refusal gives them.

    `hashed`: a keyed hash of a text.
    """
    if not most:
        return ()
    day = now.astimezone(UTC).date()
    texts = sorted((f"dialled {app_key} {day.isoformat()} {number.e164}", named) for named, number in numbers.items())
    return tuple(CalleeDay(hashed(text), day, most, named) for text, named in texts)


def callee_day(app: App, callee: PhoneNumber, now: datetime) -> CalleeDay:
    day = now.astimezone(UTC).date()
    # The secret's other messages, which authenticate requests and sign notifications, end in a time.
    text = f"{app.key} {day.isoformat()} {callee.e164}"
    pseudonym = hmac.new(app.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return CalleeDay(pseudonym, day, app.calls_per_callee_per_day)


def until_next_day(now: datetime) -> timedelta:
    """The time until midnight UTC; at least one second."""
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return max(midnight - now, timedelta(seconds=1))
