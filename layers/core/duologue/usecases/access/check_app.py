"""Check the settings of an app."""

from collections.abc import Set
from datetime import timedelta

from duologue.domain.access.accounts import App, UnknownCallers
from duologue.domain.access.source_address import network_of
from duologue.domain.accounting.charges import MICRO
from duologue.domain.accounting.day_budget import least_spend
from duologue.domain.calls.callback_request import LONGEST_TALK
from duologue.domain.errors import InvalidField
from duologue.domain.media.recording import KEEP_DAYS
from duologue.domain.memory.call_memory import LONGEST_PERIOD, SHORTEST_PERIOD
from duologue.domain.numbers.dialling_policy import DiallingPolicy, check_shown
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.denying import RateBook
from duologue.usecases.ports.notifying import SpUrls
from duologue.usecases.ports.outside import Line, NumberPlan

MOST_CALLS = 10_000
"""Higher limits are treated as typing errors."""
MOST_PER_DAY = 10_000_000
MOST_NUMBERS = 500
"""Per list, since the app's row is read with every request."""
MOST_NETWORKS = 100
"""For the same reason."""
MOST_NUMBERS_CHANGED = 90
"""Display numbers, since a transaction has at most a hundred writes."""


def check_app(
    app: App, *, endpoints: SpUrls, plan: NumberPlan, line: Line, rates: RateBook, before: App | None = None
) -> None:
    """Check an app before it is saved. `before`: its old state; unchanged URLs and numbers are not looked up again.

    Raises:
        NumberRefused: a display number may not be shown, or the callback number not be dialled.
        InvalidField: a number, a limit, a country or a URL breaks a rule. ForbiddenAddress: the URL's address does.
    """
    if not app.display_numbers:
        raise InvalidField("display number", "is required")
    for field, numbers in (
        ("display number", app.display_numbers),
        ("bind number", app.bind_numbers),
        ("test number", app.test_numbers),
    ):
        if len(numbers) > MOST_NUMBERS:
            raise InvalidField(f"{field}s", f"must be at most {MOST_NUMBERS}")
        for number in numbers:
            PhoneNumber.parse(number, field=field)
    had, has = set(before.display_numbers if before else ()), set(app.display_numbers)
    if len(had ^ has) > MOST_NUMBERS_CHANGED:
        raise InvalidField("display numbers", f"can be added and removed {MOST_NUMBERS_CHANGED} at a time")
    _check_display_numbers(has - had, plan, line)
    for field, least, limit in (
        ("requests per second", 0, app.requests_per_second),
        ("concurrent calls", 1, app.concurrent_calls),
        ("concurrent return calls", 0, app.concurrent_return_calls),
        ("calls per second", 1, app.calls_per_second),
        ("calls per display number per minute", 0, app.calls_per_number_per_minute),
        ("calls per callee per day", 0, app.calls_per_callee_per_day),
        ("calls per dialled number per day", 0, app.calls_per_dialled_number_per_day),
    ):
        if not least <= limit <= MOST_CALLS:
            raise InvalidField(field, f"must be {least} to {MOST_CALLS}")
    for field, least, limit, most in (
        ("calls per day", 0, app.calls_per_day, MOST_PER_DAY),
        ("minutes per day", 0, app.minutes_per_day, MOST_PER_DAY),
        ("spend per day", 0, app.spend_per_day, MOST_PER_DAY),
        ("longest call", 1, app.longest_call_minutes, LONGEST_TALK // timedelta(minutes=1)),
    ):
        if not least <= limit <= most:
            raise InvalidField(field, f"must be {least} to {most}")
    if 0 < app.minutes_per_day < app.longest_call_minutes:
        raise InvalidField("minutes per day", "must be at least those of the longest call: no call would be accepted")
    if before is None or before.ceilings != app.ceilings:  # rates may have changed since it was set
        _check_spend(app, rates)
    _check_addresses(app.allowed_addresses)
    if app.keep_recordings_days not in (0, *KEEP_DAYS):
        raise InvalidField("days to keep recordings", f"must be 0 or one of {', '.join(map(str, KEEP_DAYS))}")
    for country in sorted(set(app.countries).difference(before.countries if before else ())):
        if country not in plan.regions():
            raise InvalidField("country", f"{country} is not known; an ISO 3166-1 code such as US or GB is required")
    _check_return_calls(app, plan, line, before)
    urls = (
        ("status URL", app.status_url, before and before.status_url),
        ("fee URL", app.fee_url, before and before.fee_url),
    )
    endpoints.check((field, url) for field, url, had in urls if url is not None and url != had)


def _check_spend(app: App, rates: RateBook) -> None:
    if not app.spend_per_day:
        return
    least = least_spend(app.ceilings.longest_call, min(rates.rates().values()))
    if app.spend_per_day * MICRO < least:
        reserved = f"the {least / MICRO:.2f} USD that the longest call reserves at the cheapest rate"
        raise InvalidField(
            "spend per day", f"must be at least {reserved}: no callback as long as that would be accepted"
        )


def _check_addresses(allowed: tuple[str, ...]) -> None:
    if len(allowed) > MOST_NETWORKS:
        raise InvalidField("allowed addresses", f"must be at most {MOST_NETWORKS}")
    for text in allowed:
        try:
            network_of(text)
        except ValueError as error:
            raise InvalidField("allowed address", f"{text} is not one: an address, or a network as CIDR") from error


def _check_return_calls(app: App, plan: NumberPlan, line: Line, before: App | None) -> None:
    shortest, longest = (period // timedelta(hours=1) for period in (SHORTEST_PERIOD, LONGEST_PERIOD))
    if not shortest <= app.call_memory_hours <= longest:
        raise InvalidField("call memory hours", f"must be {shortest} to {longest}")
    if app.call_back_tone is not None and app.call_back_tone not in app.prompts:
        raise InvalidField("call-back tone", "is not a prompt of the app; upload it first, by prompt put")
    if app.unknown_callers is UnknownCallers.PROMPT and app.call_back_tone is None:
        raise InvalidField("call-back tone", "is required: unknown callers hear it")
    if app.callback_number is not None:
        _check_callback_number(app, app.callback_number, plan, line, before)
    elif app.unknown_callers is UnknownCallers.NUMBER:
        raise InvalidField("callback number", "is required: it is rung for unknown callers")


def _check_callback_number(app: App, number: str, plan: NumberPlan, line: Line, before: App | None) -> None:
    """Judged as callees are if it or the app's countries change. A call to a number of the line would come back in."""
    is_new = before is None or before.callback_number != number
    if is_new or (before is not None and before.countries != app.countries):
        dialled = PhoneNumber.parse(number, field="callback number")
        DiallingPolicy(app.countries).check(dialled, plan.describe(dialled), field="callback number")
    if number in app.display_numbers or (is_new and number in line.numbers().numbers):
        raise InvalidField("callback number", "is a display number: calls to it come back in")


def _check_display_numbers(added: Set[str], plan: NumberPlan, line: Line) -> None:
    """Check new display numbers: against the line's numbers, or by the numbering plan if these are unknown."""
    known = line.numbers() if added else None
    if known is None:
        return
    for number in sorted(added - known.numbers):
        if known.numbers:
            owned = ", ".join(sorted(known.numbers))
            raise InvalidField(
                "display number", f"{number} is not one of the stack's numbers ({known.source}: {owned})"
            )
        check_shown(PhoneNumber(number), plan.describe(PhoneNumber(number)), field="display number")
