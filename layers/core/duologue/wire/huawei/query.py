"""Days, times and numbers in the query of a request."""

import re
from collections.abc import Mapping
from datetime import date, datetime

from duologue.domain.errors import InvalidField
from duologue.domain.numbers.phone_number import PhoneNumber

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def read_day(query: Mapping[str, str], name: str) -> date:
    """Raises InvalidField."""
    text = query.get(name) or ""
    if not text:
        raise InvalidField(name, "is required")
    wrong = InvalidField(name, "must be a day in UTC, such as 2026-11-28")
    if not _DAY.fullmatch(text):
        raise wrong
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise wrong from error


def read_moment(query: Mapping[str, str], name: str) -> datetime:
    """Raises InvalidField."""
    try:
        moment = datetime.fromisoformat(query.get(name, "")[:40])
    except ValueError as error:
        raise InvalidField(
            name, "must be an RFC 3339 time, such as 2026-11-23T09:00:00Z; in a URL, + is %2B"
        ) from error
    if moment.tzinfo is None:
        raise InvalidField(name, "must have a zone, such as Z")
    return moment


def read_number(query: Mapping[str, str], name: str) -> PhoneNumber:
    """A plus sign that was not escaped in the query arrives as a space. Raises InvalidField."""
    text = query.get(name, "")
    if not text:
        raise InvalidField(name, "is required")
    return PhoneNumber.parse("+" + text[1:] if text.startswith(" ") else text, field=name)
