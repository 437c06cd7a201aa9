"""Check the settings of an app."""

from collections.abc import Set

from duologue.domain.accounts import App
from duologue.domain.dialling_policy import check_shown
from duologue.domain.errors import InvalidField
from duologue.domain.phone_number import PhoneNumber
from duologue.domain.recording import KEEP_DAYS
from duologue.usecases.ports.notifying import SpUrls
from duologue.usecases.ports.outside import Line, NumberPlan

MOST_CALLS = 10_000
"""Higher limits are treated as typing errors."""
MOST_NUMBERS = 500
"""Per list, since the app's row is read with every request."""
MOST_NUMBERS_CHANGED = 90
"""Display numbers, since a transaction has at most a hundred writes."""


def check_app(app: App, *, endpoints: SpUrls, plan: NumberPlan, line: Line, before: App | None = None) -> None:
    """Check an app before it is saved. `before`: its old state; unchanged URLs and numbers are not looked up again.

    Raises:
        NumberRefused: a display number may not be shown.
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
        ("concurrent calls", 1, app.concurrent_calls),
        ("calls per second", 1, app.calls_per_second),
        ("calls per callee per day", 0, app.calls_per_callee_per_day),
    ):
        if not least <= limit <= MOST_CALLS:
            raise InvalidField(field, f"must be {least} to {MOST_CALLS}")
    if app.keep_recordings_days not in (0, *KEEP_DAYS):
        raise InvalidField("days to keep recordings", f"must be 0 or one of {', '.join(map(str, KEEP_DAYS))}")
    for country in sorted(set(app.countries).difference(before.countries if before else ())):
        if country not in plan.regions():
            raise InvalidField("country", f"{country} is not known; an ISO 3166-1 code such as US or GB is required")
    urls = (
        ("status URL", app.status_url, before and before.status_url),
        ("fee URL", app.fee_url, before and before.fee_url),
    )
    endpoints.check((field, url) for field, url, had in urls if url is not None and url != had)


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
