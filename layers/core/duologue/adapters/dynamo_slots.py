"""The slots of apps: one item per app in the accounts table, with the calls that hold one.

| pk    | sk    | what                                                                         |
| ----- | ----- | ---------------------------------------------------------------------------- |
| SLOTS | <app> | held: the ids of the calls that hold the app's slots                         |
|       |       | pair#<hash>: the id of the return call of this pair (Call.pair), one of them |

All apps share one partition, so that the sweeper needs one query. A partition takes 1,000 writes per second and a call
four: far more calls than the telephone network starts.
"""

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

from duologue.adapters.aws import outside, to_item, to_value
from duologue.domain.call import Call
from duologue.usecases.ports.calls import HeldSlots

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_PAIR = "pair#"


def take_slot(table: str, call: Call, slots: int) -> dict[str, Any]:
    """The write; its condition fails if all `slots` are taken, or the call's pair is (`pair_is_taken`)."""
    change, condition = "ADD held :held", "(attribute_not_exists(held) OR size(held) < :slots)"
    values: dict[str, Any] = {":held": {"SS": [call.id]}, ":slots": to_value(slots)}
    if call.pair is None:
        return _update(table, call.app, change, {}, values, condition)
    change, condition = f"{change} SET #pair = :call", f"{condition} AND attribute_not_exists(#pair)"
    return _update(table, call.app, change, _named(call.pair), values | {":call": to_value(call.id)}, condition)


def free_slot(table: str, app: str, call_id: str, pair: str | None) -> dict[str, Any]:
    """The write, which also frees the call's pair; no effect if both are free."""
    change, names = ("DELETE held :held", {}) if pair is None else ("DELETE held :held REMOVE #pair", _named(pair))
    return _update(table, app, change, names, {":held": {"SS": [call_id]}})


def free_leaked_slot(table: str, app: str, call_id: str, pair: str | None) -> dict[str, Any]:
    """The same for a call that is over; its condition fails if its slot is free, as its pair may be another call's."""
    write = free_slot(table, app, call_id, pair)
    write["Update"] |= {"ConditionExpression": "contains(held, :call)"}
    write["Update"]["ExpressionAttributeValues"] |= {":call": to_value(call_id)}
    return write


def remove_slots(table: str, app: str) -> dict[str, Any]:
    """The write; its condition fails if a call holds a slot."""
    return {"Delete": {"TableName": table, "Key": _key(app), "ConditionExpression": "attribute_not_exists(held)"}}


def slots_in_use(client: "DynamoDBClient", table: str, app: str) -> int:
    return len(_held(_item(client, table, app)))


def pair_is_taken(client: "DynamoDBClient", table: str, call: Call) -> bool:
    """Whether there is a return call of the pair of `call`."""
    return call.pair is not None and _PAIR + call.pair in _item(client, table, call.app)


def held_slots(client: "DynamoDBClient", table: str) -> Mapping[str, HeldSlots]:
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :slots",
        ExpressionAttributeValues={":slots": {"S": "SLOTS"}},
        ConsistentRead=True,
    )
    with outside(_WHAT):
        return {item["sk"]["S"]: _pairs(item) for page in pages for item in page["Items"]}


def _item(client: "DynamoDBClient", table: str, app: str) -> Mapping[str, Any]:
    with outside(_WHAT):
        return client.get_item(TableName=table, Key=_key(app), ConsistentRead=True).get("Item", {})


def _held(item: Mapping[str, Any]) -> Set[str]:
    return frozenset(item.get("held", {}).get("SS", ()))


def _pairs(item: Mapping[str, Any]) -> HeldSlots:
    pairs = {value["S"]: name.removeprefix(_PAIR) for name, value in item.items() if name.startswith(_PAIR)}
    return {call_id: pairs.get(call_id) for call_id in _held(item)}


def _update(
    table: str, app: str, change: str, names: Mapping[str, str], values: Mapping[str, Any], condition: str = ""
) -> dict[str, Any]:
    update: dict[str, Any] = {"TableName": table, "Key": _key(app), "UpdateExpression": change}
    update |= {"ExpressionAttributeNames": names} if names else {}
    update |= {"ConditionExpression": condition} if condition else {}
    return {"Update": update | {"ExpressionAttributeValues": values}}


def _named(pair: str) -> dict[str, str]:
    return {"#pair": _PAIR + pair}


def _key(app: str) -> dict[str, Any]:
    return to_item({"pk": "SLOTS", "sk": app})
