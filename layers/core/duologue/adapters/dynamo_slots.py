"""The slots of apps: one item per app in the accounts table, with the set of calls that hold one.

| pk    | sk    | what                                                 |
| ----- | ----- | ---------------------------------------------------- |
| SLOTS | <app> | held: the ids of the calls that hold the app's slots |

All apps share one partition, so that the sweeper needs one query. A partition takes 1,000 writes per second and a call
four: far more calls than the telephone network starts.
"""

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

from duologue.adapters.aws import outside, to_item, to_value
from duologue.domain.call import Call

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"


def take_slot(table: str, call: Call, slots: int) -> dict[str, Any]:
    """The write; its condition fails if all `slots` are taken."""
    update = {
        "Key": _key(call.app),
        "UpdateExpression": "ADD held :call",
        "ConditionExpression": "attribute_not_exists(held) OR size(held) < :slots",
        "ExpressionAttributeValues": {":call": {"SS": [call.id]}, ":slots": to_value(slots)},
    }
    return {"Update": {"TableName": table} | update}


def free_slot(table: str, app: str, call_id: str) -> dict[str, Any]:
    """The write; no effect if the slot is already free."""
    update = {"UpdateExpression": "DELETE held :call", "ExpressionAttributeValues": {":call": {"SS": [call_id]}}}
    return {"Update": {"TableName": table, "Key": _key(app)} | update}


def remove_slots(table: str, app: str) -> dict[str, Any]:
    """The write; its condition fails if a call holds a slot."""
    return {"Delete": {"TableName": table, "Key": _key(app), "ConditionExpression": "attribute_not_exists(held)"}}


def slots_in_use(client: "DynamoDBClient", table: str, app: str) -> int:
    with outside(_WHAT):
        found = client.get_item(TableName=table, Key=_key(app), ConsistentRead=True)
    return len(_held(found.get("Item", {})))


def held_slots(client: "DynamoDBClient", table: str) -> Mapping[str, Set[str]]:
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :slots",
        ExpressionAttributeValues={":slots": {"S": "SLOTS"}},
        ConsistentRead=True,
    )
    with outside(_WHAT):
        return {item["sk"]["S"]: _held(item) for page in pages for item in page["Items"]}


def _held(item: Mapping[str, Any]) -> Set[str]:
    return frozenset(item.get("held", {}).get("SS", ()))


def _key(app: str) -> dict[str, Any]:
    return to_item({"pk": "SLOTS", "sk": app})
