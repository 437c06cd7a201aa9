"""Calls of an app, newest first, and what it used by the day: our additions to the format."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from duologue.domain.accounting.call_filter import CallFilter
from duologue.domain.accounting.usage import DayUsage, total
from duologue.domain.calls.call import Call
from duologue.domain.calls.outcome import EndReason
from duologue.domain.errors import InvalidField
from duologue.wire.huawei.histories import present, shown
from duologue.wire.huawei.query import read_day, read_moment, read_number
from duologue.wire.huawei.results import Answer, success

MOST_LISTED, USUALLY_LISTED = 100, 25
MOST_DAYS, USUAL_DAYS = 100, 7
LONGEST_CURSOR = 512
TALKED, FAILED = "talked", "failed"
_MICRO = 1_000_000


def read_calls_query(query: Mapping[str, str]) -> tuple[CallFilter, int, str]:
    """Filter, limit and cursor; "": from the newest. Raises InvalidField."""
    limit = query.get("limit") or str(USUALLY_LISTED)
    if not re.fullmatch(r"[0-9]{1,3}", limit, re.ASCII) or not 1 <= int(limit) <= MOST_LISTED:
        raise InvalidField("limit", f"must be 1 to {MOST_LISTED}")
    cursor = query.get("cursor") or ""
    if len(cursor) > LONGEST_CURSOR:
        raise InvalidField("cursor", f"must have 1 to {LONGEST_CURSOR} characters")
    open_only = query.get("open") or "false"
    if open_only not in ("true", "false"):
        raise InvalidField("open", "must be true or false")
    ends, talked = _result(query.get("result") or "")
    filters = CallFilter(
        number=read_number(query, "number") if query.get("number") else None,
        open_only=open_only == "true",
        since=read_moment(query, "from") if query.get("from") else None,
        until=read_moment(query, "to") if query.get("to") else None,
        ends=ends,
        talked=talked,
    )
    return filters, int(limit), cursor


def _result(text: str) -> tuple[frozenset[EndReason], bool | None]:
    if not text:
        return frozenset(), None
    if text in (TALKED, FAILED):
        return frozenset(EndReason), text == TALKED
    if text not in set(EndReason):
        raise InvalidField("result", f"must be {TALKED}, {FAILED} or the `reason` of an ending")
    return frozenset({EndReason(text)}), None


def calls_found(calls: Sequence[Call], cursor: str | None, host: str) -> Answer:
    """`cursor`: of the next page; None: this is the last."""
    return success(callbacks=[_listed(call, host) for call in calls], **present(cursor=cursor))


def _listed(call: Call, host: str) -> dict[str, Any]:
    ended_by = None if call.ended_by is None else str(call.ended_by)
    ending = None if call.ending is None else present(reason=str(call.ending), endedBy=ended_by)
    return present(**shown(call, host), ending=ending)


def read_usage_query(query: Mapping[str, str], today: date) -> list[date]:
    """The days, newest first. Raises InvalidField."""
    until = read_day(query, "to") if query.get("to") else today
    since = read_day(query, "from") if query.get("from") else max(date.min + _WEEK, until) - _WEEK
    if until < since:
        raise InvalidField("to", "must not be earlier than from")
    if (until - since).days >= MOST_DAYS:
        raise InvalidField("from", f"must be at most {MOST_DAYS - 1} days before to")
    return [until - timedelta(days=ago) for ago in range((until - since).days + 1)]


_WEEK = timedelta(days=USUAL_DAYS - 1)


def usage_found(used: Mapping[date, DayUsage], days: Sequence[date]) -> Answer:
    each = [{"day": day.isoformat(), **_used(used.get(day, DayUsage()))} for day in days]
    return success(usage=each, total=_used(total(used.values())))


def _used(usage: DayUsage) -> dict[str, Any]:
    return {"calls": usage.calls, "talked": usage.talked, "talkSeconds": usage.talk_s, "usd": usage.cost / _MICRO}
