"""What was typed into the search box, and the filters beside it: which calls to list."""

import re
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from duologue.domain.calls.outcome import EndReason
from duologue.domain.errors import InvalidNumber
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.call_lists import CallsWanted

_CALL_ID = re.compile(r"[0-9]{1,10}_[0-9]{1,10}_[0-9]{1,10}_[0-9]{14}")
_PUNCTUATION = re.compile(r"[\s()./\u00a0\u2010-\u2015-]+")
_LAST_DIGITS = 4
_NATIONAL = 10
"""Digits of a number of the North American plan without its country code."""
TIMES = {
    "1h": ("the last hour", timedelta(hours=1)),
    "1d": ("the last 24 hours", timedelta(days=1)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}
TALKED, FAILED = "talked", "failed"


@dataclass(frozen=True, slots=True)
class Search:
    """As the address of a page has it.

    `app`: a key, or calls.SP and an SP. `result`: TALKED, FAILED or an end reason. `time`: of TIMES.
    `at`: around which local time, as `<input type=datetime-local>` has it.
    """

    text: str = ""
    app: str = ""
    result: str = ""
    time: str = ""
    at: str = ""
    is_open: bool = False

    @property
    def is_empty(self) -> bool:
        return self == Search()


class NotSearchable(Exception):
    """The text says what can be typed."""


def call_id_in(text: str) -> str | None:
    """The id of a call that was typed, as it is, as a session id, or as the id of one of its notifications."""
    found = _CALL_ID.match(text.strip())
    return found.group() if found and not text.strip()[found.end() :].lstrip("@-").startswith("_") else None


def wanted(search: Search, now: datetime, zone: tzinfo | None, display_numbers: Container[str]) -> CallsWanted:
    """Raises NotSearchable. `display_numbers`: all of the platform's, E.164. `zone`: of `at`; None: this machine's."""
    filters = CallsWanted(
        app_keys=frozenset({search.app}) if search.app else None,
        open_only=search.is_open,
        ends=frozenset({EndReason(search.result)}) if search.result in set(EndReason) else frozenset(),
        talked={TALKED: True, FAILED: False}.get(search.result),
    )
    if search.time in TIMES:
        filters = replace(filters, since=now - TIMES[search.time][1])
    if search.at:
        since, until = _half_an_hour_around(search.at, zone)
        filters = replace(filters, since=since, until=until)
    text = _PUNCTUATION.sub("", search.text)
    if not text:
        return filters
    if text.isascii() and text.isdecimal() and len(text) == _LAST_DIGITS:
        return replace(filters, last_digits=text)
    number = _number(text)
    if number.e164 in display_numbers:
        return replace(filters, display_number=number.e164)
    return replace(filters, number=number)


def _number(text: str) -> PhoneNumber:
    digits = text.removeprefix("+").removeprefix("00") if text.startswith(("+", "00")) else text
    if text == digits and len(digits) == _NATIONAL:
        digits = f"1{digits}"
    try:
        return PhoneNumber.parse(f"+{digits}")
    except InvalidNumber as error:
        raise NotSearchable(
            "Type a number as +1 202 555 0111 or 2025550111, its last four digits as 0111, or the id of a call."
        ) from error


def _half_an_hour_around(text: str, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """Before and after."""
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=zone) if zone and at.tzinfo is None else at.astimezone()
        return at - timedelta(minutes=30), at + timedelta(minutes=30)
    except (ValueError, OverflowError) as error:
        raise NotSearchable("The time must have a date, an hour and a minute.") from error
