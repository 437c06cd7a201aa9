"""Read the lists of calls (list_rows.py), and the calls that they name.

A page is one query of a list, and one read of each fifty calls. Filters that an entry can answer are the store's, the
others are applied to the calls; so a page may be short, and its cursor says where it ended.
"""

import heapq
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from duologue.adapters.basics.aws import from_item, outside, to_item
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.calls.dynamo_calls import WHAT as CALLS
from duologue.adapters.calls.dynamo_calls import key_of
from duologue.adapters.calls.dynamo_histories import UNREADABLE
from duologue.adapters.calls.dynamo_people import INDEX, listed_as
from duologue.adapters.rows.call_rows import ASKED, CALL, call_of_rows, written_time
from duologue.adapters.rows.list_rows import (
    ALL,
    OPEN,
    WHAT,
    call_id_in,
    key,
    of_app,
    of_display_number,
    of_last_digits,
    usage_partition,
)
from duologue.adapters.rows.sealed_rows import RowSeal, opened_item
from duologue.domain.accounting.usage import DayUsage
from duologue.domain.calls.call import Call, Phase
from duologue.domain.calls.outcome import EndReason
from duologue.domain.errors import InvalidField, UnknownCall
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.call_lists import CallPage, CallsWanted

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_log = logging.getLogger(__name__)

_MOST_CALLS = 50
"""Of one BatchGetItem, with two items each."""
_MOST_LISTS = 8
"""Of apps that are read and merged; more are filtered out of the list of all calls."""
_MOST_IN = 100
"""Operands of IN."""
_LOOKED_AT = 2_000
"""Entries that one query looks at for those that a filter wants."""
_BEFORE_ALL, _AFTER_ALL = "0", "~"


class _Entry(NamedTuple):
    """`place`: where the next page goes on, which sorts as the list does."""

    place: str
    call_id: str


class _Found(NamedTuple):
    """`after`: where the list goes on; None: it is at its end."""

    entries: list[_Entry]
    after: str | None


class DynamoCallLists:
    """Implements `usecases.ports.call_lists.CallLists`."""

    def __init__(self, client: "DynamoDBClient", calls: str, lists: str, rows: RowSeal) -> None:
        """`calls`, `lists`: the tables' names."""
        self._client = client
        self._calls = calls
        self._lists = lists
        self._rows = rows

    def page(self, wanted: CallsWanted, limit: int, after: str = "") -> CallPage:
        most = _MOST_CALLS * 2 if _is_filtered(wanted) else limit
        found = self._found(wanted, most, after)
        calls: list[Call] = []
        for entry, call in self._read(found.entries):
            if call is not None and _is_wanted(call, wanted):
                calls.append(call)
                if len(calls) == limit and entry != found.entries[-1]:
                    return CallPage(tuple(calls), entry.place)
        return CallPage(tuple(calls), found.after)

    def _found(self, wanted: CallsWanted, most: int, after: str) -> _Found:
        if wanted.number is not None:
            return self._of_person(wanted.number, wanted, most, after)
        if after and "#" not in after:
            raise InvalidField("cursor", "is not one of this list")
        if wanted.last_digits:
            return self._query(of_last_digits(self._rows.hash_of(f"ends {wanted.last_digits}")), wanted, most, after)
        if wanted.display_number:
            return self._query(of_display_number(wanted.display_number), wanted, most, after)
        if wanted.open_only:
            return self._query(OPEN, wanted, most, after)
        if wanted.app_keys is None or len(wanted.app_keys) > _MOST_LISTS:
            return self._query(ALL, wanted, most, after, has_ends=True)
        lists = [self._query(of_app(app), wanted, most, after, has_ends=True) for app in sorted(wanted.app_keys)]
        return _merged(lists, most)

    def _query(self, name: str, wanted: CallsWanted, most: int, after: str, *, has_ends: bool = False) -> _Found:
        """`has_ends`: the entries say how the calls ended."""
        begin = _BEFORE_ALL if wanted.since is None else written_time(wanted.since)
        end = _AFTER_ALL if wanted.until is None else written_time(wanted.until)
        end = min(end, after) if after else end
        if begin > end:
            return _Found([], None)
        values: dict[str, Any] = {":list": name, ":begin": begin, ":end": end}
        filters = _filters(wanted, values) if has_ends else []
        query: dict[str, Any] = {
            "KeyConditionExpression": "pk = :list AND sk BETWEEN :begin AND :end",
            "ExpressionAttributeValues": to_item(values),
            "ScanIndexForward": False,
            "Limit": _LOOKED_AT if filters else most + 2,  # the entry of the cursor, and one that says there are more
        }
        if filters:
            query["FilterExpression"] = " AND ".join(filters)
        with outside(WHAT):
            found = self._client.query(TableName=self._lists, **query)
        places = [str(row["sk"]) for row in map(from_item, found["Items"])]
        entries = [_Entry(place, call_id_in(place)) for place in places if place != end]
        if len(entries) > most:
            return _Found(entries[:most], entries[most - 1].place)
        last = found.get("LastEvaluatedKey")
        return _Found(entries, None if last is None else last["sk"]["S"])

    def _of_person(self, number: PhoneNumber, wanted: CallsWanted, most: int, after: str) -> _Found:
        """From the index of the calls table, whose entries have seconds."""
        begin = _BEFORE_ALL if wanted.since is None else f"{int(wanted.since.timestamp()):010d}"
        end = _AFTER_ALL if wanted.until is None else f"{int(wanted.until.timestamp()):010d}"
        if begin > end:
            return _Found([], None)
        listed = listed_as(self._rows, number)
        query: dict[str, Any] = {
            "KeyConditionExpression": "listed = :listed AND listed_at BETWEEN :begin AND :end",
            "ExpressionAttributeValues": to_item({":listed": listed, ":begin": begin, ":end": end}),
            "ScanIndexForward": False,
            "Limit": most + 1,
        }
        if after:
            names = ("listed_at", "call", "item")
            parts = after.split("|")
            if len(parts) != len(names):
                raise InvalidField("cursor", "is not one of this list")
            query["ExclusiveStartKey"] = to_item({"listed": listed} | dict(zip(names, parts, strict=True)))
        with outside(CALLS):
            found = self._client.query(TableName=self._calls, IndexName=INDEX, **query)
        rows = [from_item(item) for item in found["Items"]]
        entries = [_Entry(f"{row['listed_at']}|{row['call']}|{row['item']}", row["call"]) for row in rows]
        if len(entries) > most:
            return _Found(entries[:most], entries[most - 1].place)
        last = found.get("LastEvaluatedKey")
        return _Found(entries, entries[-1].place if last is not None and entries else None)

    def _read(self, entries: Sequence[_Entry]) -> Iterable[tuple[_Entry, Call | None]]:
        """None: some of the call was deleted."""
        for begin in range(0, len(entries), _MOST_CALLS):
            some = entries[begin : begin + _MOST_CALLS]
            wanted = [
                key_of(each, item) for each in sorted({entry.call_id for entry in some}) for item in (CALL, ASKED)
            ]
            found = read_all(self._client, CALLS, {self._calls: {"Keys": wanted}})
            rows: dict[str, dict[str, Any]] = {}
            for item in found[self._calls]:
                rows.setdefault(item["call"]["S"], {})[item["item"]["S"]] = item
            for entry in some:
                yield entry, self._call(entry.call_id, rows.get(entry.call_id, {}))

    def _call(self, call_id: str, items: Mapping[str, dict[str, Any]]) -> Call | None:
        """None: some of it was deleted, or cannot be read: a page must not end at it for ever."""
        try:
            return call_of_rows(call_id, {name: opened_item(self._rows, item) for name, item in items.items()})
        except UnknownCall:
            return None
        except UNREADABLE:
            _log.exception("call cannot be read; it is left out", extra={"call_id": call_id})
            return None


class DynamoUsages:
    """Implements `usecases.ports.call_lists.Usages`."""

    def __init__(self, client: "DynamoDBClient", lists: str) -> None:
        self._client = client
        self._lists = lists

    def of_day(self, day: date) -> Mapping[str, DayUsage]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._lists,
            KeyConditionExpression="pk = :day",
            ExpressionAttributeValues=to_item({":day": usage_partition(day)}),
        )
        with outside(WHAT):
            rows = [from_item(item) for page in pages for item in page["Items"]]
        return {row["sk"]: _usage(row) for row in rows}

    def of_apps(self, app_keys: Collection[str], days: Sequence[date]) -> Mapping[tuple[str, date], DayUsage]:
        by_key = {(usage_partition(day), app): (app, day) for app in app_keys for day in days}
        if not by_key:
            return {}
        keys = [key(*each) for each in sorted(by_key)]
        found = read_all(self._client, WHAT, {self._lists: {"Keys": keys}})
        return {by_key[row["pk"], row["sk"]]: _usage(row) for row in map(from_item, found[self._lists])}


def _merged(lists: Sequence[_Found], most: int) -> _Found:
    """The newest of several lists. None of them may be passed further than it was read."""
    read_to = max((each.after for each in lists if each.after is not None), default="")
    entries = list(heapq.merge(*(each.entries for each in lists), reverse=True))
    known = [entry for entry in entries if entry.place >= read_to]
    if len(known) > most:
        return _Found(known[:most], known[most - 1].place)
    return _Found(known, read_to or None)


def _filters(wanted: CallsWanted, values: dict[str, Any]) -> list[str]:
    """What entries can answer. One without an end may be of a call that has just ended, so it passes."""
    filters = []
    if wanted.app_keys is not None and len(wanted.app_keys) > _MOST_LISTS:
        names = {f":app{number}": app for number, app in enumerate(sorted(wanted.app_keys))}
        values |= names
        groups = [list(names)[begin : begin + _MOST_IN] for begin in range(0, len(names), _MOST_IN)]
        filters.append("(" + " OR ".join(f"app IN ({', '.join(group)})" for group in groups) + ")")
    if wanted.ends:
        names = {f":end{number}": str(reason) for number, reason in enumerate(sorted(wanted.ends))}
        values |= names
        filters.append(f"(attribute_not_exists(reason) OR reason IN ({', '.join(names)}))")
    if wanted.talked is not None:
        values[":talked"] = wanted.talked
        filters.append("(attribute_not_exists(reason) OR talked = :talked)")
    return filters


def _is_filtered(wanted: CallsWanted) -> bool:
    """Whether some of the calls that the list names may not be wanted."""
    is_of_apps = wanted.number is None and not (wanted.last_digits or wanted.display_number or wanted.open_only)
    return bool(wanted.ends) or wanted.talked is not None or (not is_of_apps and wanted.app_keys is not None)


def _is_wanted(call: Call, wanted: CallsWanted) -> bool:
    tests: tuple[tuple[bool, Callable[[], bool]], ...] = (
        (wanted.app_keys is not None, lambda: call.app in (wanted.app_keys or ())),
        (wanted.number is not None, lambda: wanted.number in (call.caller.number, call.callee.number)),
        (bool(wanted.last_digits), lambda: _has_digits(call, wanted.last_digits)),
        (bool(wanted.display_number), lambda: _shows(call, wanted.display_number)),
        (wanted.open_only, lambda: call.phase is not Phase.OVER),
        (wanted.since is not None, lambda: call.accepted_at >= (wanted.since or call.accepted_at)),
        (wanted.until is not None, lambda: call.accepted_at < (wanted.until or call.accepted_at)),
        (bool(wanted.ends), lambda: call.phase is Phase.OVER and call.ending in wanted.ends),
        (wanted.talked is not None, lambda: _talked(call) is wanted.talked),
    )
    return all(test() for applies, test in tests if applies)


def _has_digits(call: Call, digits: str) -> bool:
    return any(leg.number.e164.endswith(digits) for leg in (call.caller, call.callee))


def _shows(call: Call, number: str) -> bool:
    return any(leg.display_number.e164 == number for leg in (call.caller, call.callee))


def _talked(call: Call) -> bool:
    return call.caller.answered_at is not None and call.callee.answered_at is not None


def _usage(row: Mapping[str, Any]) -> DayUsage:
    def counted(prefix: str) -> dict[str, int]:
        return {name.removeprefix(prefix): row[name] for name in row if name.startswith(prefix)}

    return DayUsage(
        row.get("calls", 0),
        row.get("talked", 0),
        row.get("talk_s", 0),
        row.get("cost", 0),
        {EndReason(name): number for name, number in counted("end_").items() if name in set(EndReason)},
        {int(hour): number for hour, number in counted("calls_").items()},
        {int(hour): number for hour, number in counted("talked_").items()},
    )
