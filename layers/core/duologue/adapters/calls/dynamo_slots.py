"""The slots of apps in the accounts table: an item for each that a call holds.

| pk            | sk             | what                                                                               |
| ------------- | -------------- | ---------------------------------------------------------------------------------- |
| SLOTS#<shard> | <app>#<number> | call: the id of the call that holds it; pair: what this call holds besides, if any |
| SLOTS#<shard> | <app>#<number> | closed: nobody can take it, since the app is being removed or is gone; expires     |
| PAIR#<app>    | <hash>         | call: the id of the return call of this pair (Call.pair)                           |

Numbers go from 0 to the app's limit less one. A call takes a free one at random, in the transaction that accepts it,
and its row keeps the number, so its end deletes that item without reading. So no two calls meet on an item, and a slot
costs two units to take and two to free, however many are held.

Of a limit that was lowered: at most as many calls as the new limit have numbers below it; older calls with greater
numbers go on besides them until they end. A new call gets only a number below the limit.

Of an app that limits its return calls: they get only numbers below that limit, and callbacks get these last.

An app's items are in one partition, so that one query counts them: it takes 250 calls a second of one app before
DynamoDB splits it. The shards are for the sweeper, which reads all slots.
"""

import zlib
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import from_item, outside, to_item, to_value
from duologue.adapters.basics.dynamo_writes import Write
from duologue.adapters.basics.numbered_places import Places
from duologue.adapters.rows.slots_before import IN_SET, PARTITION, held_in, leave_set, leave_set_late
from duologue.domain.calls.call import Call
from duologue.domain.errors import DuologueError, LimitReached, PairBusy, RaceLost
from duologue.usecases.ports.call_changes import HeldSlot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_CLOSED = "closed"
_SHARDS = 32
"""Never changed: an app's slots would be in two places."""


def slots_of(client: "DynamoDBClient", table: str, call: Call, limit: int, spared: int = 0) -> Places:
    """The slots that `call` may take one of; those below `spared` if no other is free."""
    row = {"call": call.id} | ({} if call.pair is None else {"pair": call.pair})

    def put(number: int) -> dict[str, Any]:
        return _new(table, _key(call.app, slot_name(number)) | to_item(row))

    def taken() -> Collection[int]:
        return [int(item["sk"]["S"].rpartition("#")[2]) for item in _of_app(client, table, call.app)]

    return Places(limit, put, taken, LimitReached(call.app), spared)


def slot_name(number: int) -> str:
    return f"{number:06d}"


def take_pair(table: str, call: Call) -> list[Write]:
    """The write that takes the pair of a return call; none if it has no pair."""
    if call.pair is None:
        return []
    return [(_new(table, _pair_key(call.app, call.pair) | to_item({"call": call.id})), PairBusy(call.id))]


def free(table: str, call: Call, slot: str) -> list[Write]:
    """The writes of a call's end. `slot`: the name of what it holds, "" if it holds none.

    Without a condition: what frees the slot must never keep a call from ending. Only the call that holds it gets here,
    once, since the transaction writes its CDR.
    """
    if not slot:
        return []
    lost = RaceLost(call.id)
    if slot == IN_SET:
        return [(leave_set(table, call.app, call.id), lost)]
    return [(_delete(table, key), lost) for key in _keys(call.app, slot, call.pair)]


def free_leaked(table: str, slot: HeldSlot) -> list[Write]:
    """The same for a call that is over or gone; RaceLost if another call holds its slot or its pair by now."""
    lost = RaceLost(slot.call_id)
    if slot.name == IN_SET:
        return [(leave_set_late(table, slot.app, slot.call_id), lost)]
    only_its_own = {
        "ConditionExpression": "#call = :call",
        "ExpressionAttributeNames": {"#call": "call"},
        "ExpressionAttributeValues": {":call": to_value(slot.call_id)},
    }
    return [(_delete(table, key, **only_its_own), lost) for key in _keys(slot.app, slot.name, slot.pair)]


def close_slots(table: str, app: str, numbers: Iterable[int], expires: int, busy: DuologueError) -> list[Write]:
    """Writes after which no call can take these slots, whatever it has read of its app; `busy` if one is held."""
    writes: list[Write] = []
    for number in numbers:
        put = _new(table, _key(app, slot_name(number)) | to_item({_CLOSED: True, "expires_at": expires}))
        put["Put"]["ConditionExpression"] = f"attribute_not_exists(pk) OR attribute_exists({_CLOSED})"
        writes.append((put, busy))
    return writes


def open_slots(table: str, app: str, numbers: Iterable[int]) -> list[Write]:
    """Undoes `close_slots`. Without a condition: nobody else can have taken them."""
    return [(_delete(table, _key(app, slot_name(number))), RaceLost(app)) for number in numbers]


def slots_in_use(client: "DynamoDBClient", table: str, app: str) -> int:
    held = f"attribute_not_exists({_CLOSED})"
    pages = client.get_paginator("query").paginate(
        TableName=table, **_query(app), FilterExpression=held, Select="COUNT"
    )
    with outside(_WHAT):
        return sum(page["Count"] for page in pages)


def held_slots(client: "DynamoDBClient", table: str) -> Iterator[HeldSlot]:
    """All of them, of all apps."""
    for partition in (PARTITION, *map(_partition, range(_SHARDS))):
        pages = client.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="pk = :partition",
            ExpressionAttributeValues=to_item({":partition": partition}),
            ConsistentRead=True,
        )
        with outside(_WHAT):
            for page in pages:
                for item in page["Items"]:
                    if partition == PARTITION:
                        yield from held_in(item)
                    elif _CLOSED not in item:
                        yield _held(from_item(item))


def _of_app(client: "DynamoDBClient", table: str, app: str) -> Iterator[dict[str, Any]]:
    pages = client.get_paginator("query").paginate(TableName=table, **_query(app), ProjectionExpression="sk")
    with outside(_WHAT):
        for page in pages:
            yield from page["Items"]


def _query(app: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "pk = :partition AND begins_with(sk, :app)",
        "ExpressionAttributeValues": to_item({":partition": _partition(_shard(app)), ":app": f"{app}#"}),
        "ConsistentRead": True,
    }


def _held(row: dict[str, Any]) -> HeldSlot:
    app, _, name = row["sk"].rpartition("#")
    return HeldSlot(app, row["call"], name, row.get("pair"))


def _new(table: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}


def _delete(table: str, key: dict[str, Any], **condition: Any) -> dict[str, Any]:
    return {"Delete": {"TableName": table, "Key": key} | condition}


def _keys(app: str, slot: str, pair: str | None) -> list[dict[str, Any]]:
    """Of all that one call holds."""
    return [_key(app, slot)] + ([] if pair is None else [_pair_key(app, pair)])


def _key(app: str, name: str) -> dict[str, Any]:
    return to_item({"pk": _partition(_shard(app)), "sk": f"{app}#{name}"})


def _pair_key(app: str, pair: str) -> dict[str, Any]:
    return to_item({"pk": f"PAIR#{app}", "sk": pair})


def _partition(shard: int) -> str:
    return f"{PARTITION}#{shard:02d}"


def _shard(app: str) -> int:
    return zlib.crc32(app.encode()) % _SHARDS
