"""The limits of an app, besides the countries and kinds of numbers (dialling_policy.py).

Judged together, in the transaction that accepts the call, so that a call that is refused counts for none of them. Of
several that are reached the first in this order is told:

    1. the same key was used before     not a limit: the first answer is given again, whatever the limits say by now
    2. calls per second                 of the clock's second; at the turn of two, twice as many may pass
    3. calls at a time                  one ends, one more may begin
    4. calls per callee per day         of the day in UTC; the test numbers of the sandbox are not counted
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from duologue.domain.accounts import App
from duologue.domain.idempotency import IdempotencyKey
from duologue.domain.phone_number import PhoneNumber


@dataclass(frozen=True, slots=True)
class CalleeDay:
    """One callee of one app on one day, and how often it may be called then.

    `callee` is a pseudonym: it can be counted, not called, and is another one each day and for each app.
    """

    callee: str
    day: date
    most: int


@dataclass(frozen=True, slots=True)
class AcceptanceLimits:
    """On what terms a call is accepted, besides a free slot. Those by default are none."""

    per_second: int = 0
    """0: no limit."""
    callee: CalleeDay | None = None
    key: IdempotencyKey | None = None


NO_LIMITS = AcceptanceLimits()


def limits_for(
    app: App, callee: PhoneNumber, now: datetime, key: IdempotencyKey | None, *, is_test: bool
) -> AcceptanceLimits:
    """`is_test`: the call goes through the sandbox, to telephones that their owners put on the list."""
    counted = app.calls_per_callee_per_day > 0 and not is_test
    return AcceptanceLimits(app.calls_per_second, callee_day(app, callee, now) if counted else None, key)


def callee_day(app: App, callee: PhoneNumber, now: datetime) -> CalleeDay:
    day = now.astimezone(UTC).date()
    text = f"{app.key} {day.isoformat()} {callee.e164}"
    pseudonym = hmac.new(app.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return CalleeDay(pseudonym, day, app.calls_per_callee_per_day)


def until_next_day(now: datetime) -> timedelta:
    """How long the day in UTC still is; at least one second."""
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return max(midnight - now, timedelta(seconds=1))
