"""What accepting a call writes in the accounts table: its slot, its idempotency key, and what its terms count.

| pk           | sk                       | what                                                                |
| ------------ | ------------------------ | ------------------------------------------------------------------- |
| SLOTS        | <app key>                | held: the ids of the app's calls in progress                        |
| ONCE#<app>   | <hash of the key>        | the call that a request led to, and the request's fingerprint       |
| COUNT#<app>  | SECOND#<epoch second>    | n: calls accepted in that second                                    |
| COUNT#<app>  | CALLEE#<day>#<pseudonym> | n: calls accepted to that callee on that day (UTC)                  |

The slots of all apps are in one partition, so that the sweeper finds them with one query. It takes 1,000 writes a
second, a call takes four: far more calls than the telephone network begins.
"""

from collections.abc import Iterator, Mapping, Set
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from duologue.adapters.aws import from_item, outside, to_item, to_value
from duologue.domain.acceptance_limits import AcceptanceLimits, CalleeDay, until_next_day
from duologue.domain.call import Call
from duologue.domain.errors import (
    CalleeLimitReached,
    DuologueError,
    KeyReused,
    LimitReached,
    RaceLost,
    RequestRepeated,
    TooManyCalls,
)
from duologue.domain.idempotency import KEPT, IdempotencyKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_COUNTS_KEPT = timedelta(days=2)

Write = tuple[dict[str, Any], DuologueError]
"""One write of a transaction, and what it means if its condition fails."""


class DynamoAcceptance:
    """The part of `DynamoCalls` that lives in the accounts table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def writes(self, call: Call, slots: int, limits: AcceptanceLimits) -> Iterator[Write]:
        """In the order in which refusals are told (domain/acceptance_limits.py)."""
        if limits.key is not None:
            yield self._keep_key(call, limits.key), RaceLost("the idempotency key is taken")
        if limits.per_second:
            second = f"SECOND#{int(call.accepted_at.timestamp())}"
            yield self._count(call, second, limits.per_second), TooManyCalls(call.app)
        yield self._take_slot(call, slots), LimitReached(call.app)
        if limits.callee is not None:
            refusal = CalleeLimitReached(call.app, until_next_day(call.accepted_at))
            yield self._count(call, _callee(limits.callee), limits.callee.most), refusal

    def undo(self, call: Call, limits: AcceptanceLimits) -> Iterator[Write]:
        """Take back what a call counted for; its slot is freed by its end."""
        lost = RaceLost(call.id)
        if limits.key is not None:
            delete = {
                "Key": _once(call.app, limits.key),
                "ConditionExpression": "attribute_not_exists(pk) OR #call = :call",
                "ExpressionAttributeNames": {"#call": "call"},
                "ExpressionAttributeValues": {":call": to_value(call.id)},
            }
            yield {"Delete": {"TableName": self._table} | delete}, lost
        if limits.callee is not None:
            update = {
                "Key": _counter(call.app, _callee(limits.callee)),
                "UpdateExpression": "ADD n :less",
                "ExpressionAttributeValues": {":less": to_value(-1)},
            }
            yield {"Update": {"TableName": self._table} | update}, lost

    def free_slot(self, app: str, call_id: str) -> dict[str, Any]:
        """The write; a slot that is free stays so."""
        update = {"UpdateExpression": "DELETE held :call", "ExpressionAttributeValues": {":call": {"SS": [call_id]}}}
        return {"Update": {"TableName": self._table, "Key": _slots(app)} | update}

    def check_repeat(self, app: str, key: IdempotencyKey, now: datetime) -> None:
        with outside(_WHAT):
            found = self._client.get_item(TableName=self._table, Key=_once(app, key), ConsistentRead=True)
        row = from_item(found.get("Item", {}))
        if not row or row["expires_at"] <= int(now.timestamp()):
            return
        if row["request"] != key.request:
            raise KeyReused(app)
        raise RequestRepeated(row["call"])

    def in_use(self, app: str) -> int:
        with outside(_WHAT):
            found = self._client.get_item(TableName=self._table, Key=_slots(app), ConsistentRead=True)
        return len(_held(found.get("Item", {})))

    def held_slots(self) -> Mapping[str, Set[str]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :slots",
            ExpressionAttributeValues={":slots": {"S": "SLOTS"}},
            ConsistentRead=True,
        )
        with outside(_WHAT):
            return {item["sk"]["S"]: _held(item) for page in pages for item in page["Items"]}

    def _keep_key(self, call: Call, key: IdempotencyKey) -> dict[str, Any]:
        now = int(call.accepted_at.timestamp())
        row = {"call": call.id, "request": key.request, "expires_at": now + int(KEPT.total_seconds())}
        put = {
            "Item": _once(call.app, key) | to_item(row),
            # Rows outlive their time by up to days until the table deletes them.
            "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
            "ExpressionAttributeValues": {":now": to_value(now)},
        }
        return {"Put": {"TableName": self._table} | put}

    def _count(self, call: Call, what: str, most: int) -> dict[str, Any]:
        expires = int((call.accepted_at + _COUNTS_KEPT).timestamp())
        values = {":one": to_value(1), ":most": to_value(most), ":expires": to_value(expires)}
        update = {
            "Key": _counter(call.app, what),
            "UpdateExpression": "SET expires_at = :expires ADD n :one",
            "ConditionExpression": "attribute_not_exists(n) OR n < :most",
            "ExpressionAttributeValues": values,
        }
        return {"Update": {"TableName": self._table} | update}

    def _take_slot(self, call: Call, slots: int) -> dict[str, Any]:
        update = {
            "Key": _slots(call.app),
            "UpdateExpression": "ADD held :call",
            "ConditionExpression": "attribute_not_exists(held) OR size(held) < :slots",
            "ExpressionAttributeValues": {":call": {"SS": [call.id]}, ":slots": to_value(slots)},
        }
        return {"Update": {"TableName": self._table} | update}


def _held(item: Mapping[str, Any]) -> Set[str]:
    return frozenset(item.get("held", {}).get("SS", ()))


def _slots(app: str) -> dict[str, Any]:
    return to_item({"pk": "SLOTS", "sk": app})


def _once(app: str, key: IdempotencyKey) -> dict[str, Any]:
    return to_item({"pk": f"ONCE#{app}", "sk": key.name})


def _counter(app: str, what: str) -> dict[str, Any]:
    return to_item({"pk": f"COUNT#{app}", "sk": what})


def _callee(counted: CalleeDay) -> str:
    return f"CALLEE#{counted.day:%Y%m%d}#{counted.callee}"
