"""Accept calls: one transaction over the calls table and the counters in the accounts table.

| pk                        | sk                       | what                                                          |
| ------------------------- | ------------------------ | ------------------------------------------------------------- |
| ONCE#<app>                | <hash of the key>        | the call of an idempotency key, and the request's fingerprint |
| SECOND#<app>#<epoch secs> | <number>                 | that many calls were accepted in that second: one item each   |
| SECOND#SP#<id>#<…>        | <number>                 | the same for all apps of an SP                                |
| SECOND#NUMBER#<E.164>#<…> | <number>                 | the same for a display number, in the minute that began then  |
| SLOTS#<shard>             | <app>#<number>           | a slot of the app (dynamo_slots.py)                           |
| COUNT#<app>, DAY#<app>#…  |                          | what is counted by the day (dynamo_day_budget.py)             |

The calls of one app meet on none of these, unless they dial the same callee or repeat one request: a second has as many
numbered items as calls may be accepted in it, and each call takes one at random, like a slot.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import from_item, outside, to_item, to_value
from duologue.adapters.basics.dynamo_writes import COUNTS_KEPT, Write
from duologue.adapters.basics.numbered_places import Choose, Places, choose, take_each
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.adapters.calls.dynamo_day_budget import counters, day_counts, within
from duologue.adapters.calls.dynamo_slots import slot_name, slots_in_use, slots_of, take_pair
from duologue.domain.accounting.acceptance_limits import NO_LIMITS, AcceptanceLimits
from duologue.domain.calls.call import Call
from duologue.domain.calls.idempotency import KEPT, IdempotencyKey
from duologue.domain.errors import (
    DuologueError,
    KeyReused,
    RaceLost,
    RequestRepeated,
    TooManyCalls,
)
from duologue.usecases.ports.call_changes import Change, SavedCall

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"


class DynamoAcceptance:
    """Implements `usecases.ports.calls.Acceptance`."""

    def __init__(self, client: "DynamoDBClient", accounts: str, calls: DynamoCalls, choose: Choose = choose) -> None:
        """`accounts`: the table's name. `calls`: writes the calls. `choose`: a random number below its argument."""
        self._client = client
        self._table = accounts
        self._calls = calls
        self._choose = choose

    def accept(self, call: Call, *, slots: int, close_by: datetime, limits: AcceptanceLimits = NO_LIMITS) -> SavedCall:
        places = [*self._rates(call, limits), slots_of(self._client, self._table, call, slots, limits.spared_slots)]

        def write(numbers: Sequence[int], of_day: Sequence[Write], reserved: str) -> None:
            """In the order in which refusals are reported (domain/accounting/acceptance_limits.py)."""
            taking = [each.take(number) for each, number in zip(places, numbers, strict=True)]
            taking += take_pair(self._table, call)
            new = self._calls.new(call, close_by, slot_name(numbers[-1]), reserved)
            counts = day_counts(self._table, call, limits)
            self._calls.write(*self._key(call, limits), *taking, *counts, *of_day, *new)

        def take(of_day: Sequence[Write], reserved: str) -> SavedCall:
            numbers = take_each(places, lambda numbers: write(numbers, of_day, reserved), self._choose)
            return SavedCall(call, version=1, close_by=close_by, slot=slot_name(numbers[-1]), reserved=reserved)

        return within(self._client, self._table, call, limits.budget, self._choose, take)

    def withdraw(self, change: Change, limits: AcceptanceLimits) -> None:
        self._calls.write(*self._calls.writes(change, withdrawn=True), *self._undo(change.after, limits))

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

    def _rates(self, call: Call, limits: AcceptanceLimits) -> Iterator[Places]:
        """The places of the second, or the minute, in which the call is accepted."""
        now = call.accepted_at
        if limits.per_second:
            second = f"{call.app}#{int(now.timestamp())}"
            yield self._places(call, second, limits.per_second, TooManyCalls(call.app))
        for rate in limits.rates:
            yield self._places(call, f"{rate.of}#{rate.name}#{rate.begins(now)}", rate.most, rate.refusal(now))

    def _places(self, call: Call, period: str, most: int, full: DuologueError) -> Places:
        partition = f"SECOND#{period}"
        expires = int((call.accepted_at + COUNTS_KEPT).timestamp())

        def put(number: int) -> dict[str, Any]:
            item = to_item({"pk": partition, "sk": f"{number:06d}", "expires_at": expires})
            return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}

        def taken() -> Collection[int]:
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :second",
                ExpressionAttributeValues=to_item({":second": partition}),
                ConsistentRead=True,
            )
            with outside(_WHAT):
                return [int(item["sk"]["S"]) for page in pages for item in page["Items"]]

        return Places(most, put, taken, full)

    def _key(self, call: Call, limits: AcceptanceLimits) -> Iterator[Write]:
        if limits.key is not None:
            yield self._keep_key(call, limits.key), RaceLost("the idempotency key is in use")

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
        for key in counters(call, limits):
            update = {
                "Key": key,
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
