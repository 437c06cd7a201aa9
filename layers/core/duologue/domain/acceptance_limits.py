"""The limits of an app, besides countries and number types (dialling_policy.py).

They are checked together, in the transaction that accepts the call, so a refused call counts toward none of them. If
several are reached, the first in this order is reported:

    1. reused idempotency key           not a limit: the first response is returned, whatever the limits are now
    2. calls per second                 per clock second; around the turn of a second twice as many may pass
    3. concurrent calls                 one slot per open call
    4. calls per callee per day         per day in UTC; test numbers of the sandbox are not counted
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
    """The counter of one callee of one app on one day, with its limit `most`.

    `callee` is a pseudonym of the number, different for each day and app.
    """

    callee: str
    day: date
    most: int


@dataclass(frozen=True, slots=True)
class AcceptanceLimits:
    """Conditions for accepting a call, besides a free slot. By default there are none."""

    per_second: int = 0
    """0: no limit."""
    callee: CalleeDay | None = None
    key: IdempotencyKey | None = None


NO_LIMITS = AcceptanceLimits()


def limits_for(
    app: App, callee: PhoneNumber, now: datetime, key: IdempotencyKey | None, *, is_test: bool
) -> AcceptanceLimits:
    """The limits for a call now. `is_test`: it was placed in the sandbox, which dials only test numbers."""
    counted = app.calls_per_callee_per_day > 0 and not is_test
    return AcceptanceLimits(app.calls_per_second, callee_day(app, callee, now) if counted else None, key)


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
