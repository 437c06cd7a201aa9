"""The events of an app in the order in which they were committed, from the index `by-app` of the calls table.

`listed` is `<app key>#<shard>`, with the call's shard, and `listed_at` `<epoch second>#<call id>#<first sequence>`.
The second is that of the writer's clock, and within a call never before that of an earlier event. The index has the
keys only. A delivery that waits or was given up is listed in `<app key>#undelivered#<shard>`, by the second in which
its schedule began.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import from_item, outside
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.calls.dynamo_calls import WHAT, key_of
from duologue.adapters.rows.call_rows import (
    ASKED,
    CALL,
    CDR,
    SHARDS,
    call_of_rows,
    cdr_of_rows,
    delivery_of,
    facts_of,
    listed_in,
    undelivered_in,
)
from duologue.adapters.rows.sealed_rows import Row, RowSeal, opened_item
from duologue.call_control.app_events import CommittedFacts, EventPosition, UndeliveredFact
from duologue.domain.errors import SealBroken, UnknownCall

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_log = logging.getLogger(__name__)

INDEX = "by-app"
_MOST_KEYS = 100
"""Of one BatchGetItem."""
_ROUNDS = 20
"""Of looking further, where old calls are half deleted: an empty page would say that there is nothing more."""


class DynamoAppEvents:
    """Implements `usecases.ports.notifying.AppEvents`."""

    def __init__(self, client: "DynamoDBClient", calls: str, seal: RowSeal) -> None:
        self._client = client
        self._calls = calls
        self._seal = seal

    def after(
        self, app_key: str, position: EventPosition | None, until_second: int, limit: int
    ) -> Sequence[CommittedFacts]:
        found: list[CommittedFacts] = []
        end = f"{until_second:010d}#~"
        for _ in range(_ROUNDS):
            wanted = limit - len(found)
            first = self._first(lambda shard: listed_in(app_key, shard), position, end, wanted)
            found += self._committed(first)
            if len(first) < wanted or len(found) == limit:
                break
            position = _read(first[-1]["listed_at"])
        return found

    def _committed(self, first: Sequence[dict[str, Any]]) -> list[CommittedFacts]:
        """Those of the keys whose calls are still whole."""
        rows = self._rows({(key["call"], item) for key in first for item in (CALL, ASKED, CDR, key["item"])})
        found = []
        for key in first:
            of_call = {item: row for (call, item), row in rows.items() if call == key["call"]}
            try:
                call = call_of_rows(key["call"], of_call)
            except UnknownCall:  # some of it has expired
                continue
            facts = facts_of(of_call[key["item"]]) if key["item"] in of_call else {}
            found.append(CommittedFacts(_read(key["listed_at"]), call, facts, cdr_of_rows(call, of_call.get(CDR))))
        return found

    def undelivered(self, app_key: str, position: EventPosition | None, limit: int) -> Sequence[UndeliveredFact]:
        first = self._first(lambda shard: undelivered_in(app_key, shard), position, "~", limit)
        rows = self._rows({(key["call"], key["item"]) for key in first})
        found = [(_read(key["listed_at"]), rows.get((key["call"], key["item"]))) for key in first]
        return [UndeliveredFact(place, delivery_of(row)) for place, row in found if row is not None and "state" in row]

    def _first(
        self, listed: Callable[[int], str], position: EventPosition | None, end: str, limit: int
    ) -> list[dict[str, Any]]:
        """The keys after a position, in order; up to `end`."""
        begin = "" if position is None else _written(position)
        if begin >= end:
            return []
        keys: list[dict[str, Any]] = []
        for shard in range(SHARDS):
            keys += self._keys(listed(shard), begin or "0", end, limit + 1)
        return sorted((key for key in keys if key["listed_at"] != begin), key=lambda key: str(key["listed_at"]))[:limit]

    def _keys(self, listed: str, begin: str, end: str, limit: int) -> list[dict[str, Any]]:
        with outside(WHAT):
            found = self._client.query(
                TableName=self._calls,
                IndexName=INDEX,
                KeyConditionExpression="listed = :listed AND listed_at BETWEEN :begin AND :end",
                ExpressionAttributeValues={":listed": {"S": listed}, ":begin": {"S": begin}, ":end": {"S": end}},
                Limit=limit,
            )
        return [from_item(item) for item in found["Items"]]

    def _rows(self, keys: set[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        wanted = [key_of(*key) for key in sorted(keys)]
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        while wanted:
            some, wanted = wanted[:_MOST_KEYS], wanted[_MOST_KEYS:]
            found = read_all(self._client, WHAT, {self._calls: {"Keys": some, "ConsistentRead": True}})
            opened = filter(None, map(self._opened, found[self._calls]))
            rows |= {(row["call"], row["item"]): row for row in opened}
        return rows

    def _opened(self, item: Mapping[str, Any]) -> Row | None:
        """None: it does not open, and a page must not end at it for ever."""
        try:
            return opened_item(self._seal, item)
        except SealBroken:
            call_id, name = item["call"]["S"], item["item"]["S"]
            _log.exception("item does not open; it is left out", extra={"call_id": call_id, "item": name})
            return None


def _written(position: EventPosition) -> str:
    return f"{position.second:010d}#{position.call_id}#{position.first:06d}"


def _read(listed_at: str) -> EventPosition:
    second, call_id, first = listed_at.split("#")
    return EventPosition(int(second), call_id, int(first))
