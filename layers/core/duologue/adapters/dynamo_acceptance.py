"""Accept calls: one transaction over the calls table and the counters in the accounts table.

| pk           | sk                       | what                                                                |
| ------------ | ------------------------ | ------------------------------------------------------------------- |
| SLOTS        | <app key>                | the app's slots (dynamo_slots.py)                                   |
| ONCE#<app>   | <hash of the key>       | the call of an idempotency key, and the request's fingerprint       |
| COUNT#<app>  | SECOND#<epoch second>    | n: calls accepted in that second                                    |
| COUNT#<app>  | CALLEE#<day>#<pseudonym> | n: calls accepted to that callee on that day (UTC)                  |
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from duologue.adapters.aws import from_item, outside, to_item, to_value
from duologue.adapters.dynamo_calls import DynamoCalls
from duologue.adapters.dynamo_slots import slots_in_use, take_slot
from duologue.adapters.dynamo_writes import Write, count_up
from duologue.domain.acceptance_limits import NO_LIMITS, AcceptanceLimits, CalleeDay, until_next_day
from duologue.domain.call import Call
from duologue.domain.errors import (
    CalleeLimitReached,
    KeyReused,
    LimitReached,
    RaceLost,
    RequestRepeated,
    TooManyCalls,
)
from duologue.domain.idempotency import KEPT, IdempotencyKey
from duologue.usecases.ports.calls import Change

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"


class DynamoAcceptance:
    """Implements `usecases.ports.calls.Acceptance`."""

    def __init__(self, client: "DynamoDBClient", accounts: str, calls: DynamoCalls) -> None:
        """`accounts`: the table's name. `calls`: writes the calls."""
        self._client = client
        self._table = accounts
        self._calls = calls

    def accept(self, call: Call, *, slots: int, close_by: datetime, limits: AcceptanceLimits = NO_LIMITS) -> None:
        self._calls.write(*self._counts(call, slots, limits), *self._calls.new(call, close_by))

    def withdraw(self, change: Change, limits: AcceptanceLimits) -> None:
        self._calls.write(*self._calls.writes(change), *self._undo(change.after, limits))

    def check_repeat(self, app_key: str, key: IdempotencyKey, now: datetime) -> None:
        with outside(_WHAT):
            found = self._client.get_item(TableName=self._table, Key=_once(app_key, key), ConsistentRead=True)
        row = from_item(found.get("Item", {}))
        if not row or row["expires_at"] <= int(now.timestamp()):
            return
        if row["request"] != key.request:
            raise KeyReused(app_key)
        raise RequestRepeated(row["call"])

    def in_use(self, app_key: str) -> int:
        return slots_in_use(self._client, self._table, app_key)

    def _counts(self, call: Call, slots: int, limits: AcceptanceLimits) -> Iterator[Write]:
        """In the order in which refusals are reported (domain/acceptance_limits.py)."""
        if limits.key is not None:
            yield self._keep_key(call, limits.key), RaceLost("the idempotency key is in use")
        if limits.per_second:
            second = f"SECOND#{int(call.accepted_at.timestamp())}"
            yield (
                count_up(self._table, _counter(call.app, second), call.accepted_at, limits.per_second),
                TooManyCalls(call.app),
            )
        yield take_slot(self._table, call, slots), LimitReached(call.app)
        if limits.callee is not None:
            refusal = CalleeLimitReached(call.app, until_next_day(call.accepted_at))
            counter = _counter(call.app, _callee(limits.callee))
            yield count_up(self._table, counter, call.accepted_at, limits.callee.most), refusal

    def _undo(self, call: Call, limits: AcceptanceLimits) -> Iterator[Write]:
        """Undo the counts of a call; its end frees the slot."""
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

    def _keep_key(self, call: Call, key: IdempotencyKey) -> dict[str, Any]:
        now = int(call.accepted_at.timestamp())
        row = {"call": call.id, "request": key.request, "expires_at": now + int(KEPT.total_seconds())}
        put = {
            "Item": _once(call.app, key) | to_item(row),
            # DynamoDB deletes expired rows up to days late.
            "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
            "ExpressionAttributeValues": {":now": to_value(now)},
        }
        return {"Put": {"TableName": self._table} | put}


def _once(app: str, key: IdempotencyKey) -> dict[str, Any]:
    return to_item({"pk": f"ONCE#{app}", "sk": key.name})


def _counter(app: str, what: str) -> dict[str, Any]:
    return to_item({"pk": f"COUNT#{app}", "sk": what})


def _callee(counted: CalleeDay) -> str:
    return f"CALLEE#{counted.day:%Y%m%d}#{counted.callee}"
