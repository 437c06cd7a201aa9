"""The slots as release 0.1.0 held them: one item per app, with a set. The next release drops this module.

| pk    | sk    | what                                                            |
| ----- | ----- | --------------------------------------------------------------- |
| SLOTS | <app> | held: the ids of the calls of that release that hold slots      |

Its calls may go on for a day after an update. Their end leaves the set; they are not counted with the numbered slots,
so during that day an app may have up to twice as many calls as its limit.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import to_item, to_value
from duologue.usecases.ports.call_changes import HeldSlot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

PARTITION = "SLOTS"
IN_SET = "set"
"""The slot of a call whose row does not say which it holds."""


def leave_set(table: str, app: str, call_id: str) -> dict[str, Any]:
    """The write; no effect if the call is not in it."""
    values = {":held": {"SS": [call_id]}}
    update = {"TableName": table, "Key": set_key(app), "UpdateExpression": "DELETE held :held"}
    return {"Update": update | {"ExpressionAttributeValues": values}}


def leave_set_late(table: str, app: str, call_id: str) -> dict[str, Any]:
    """The same; its condition fails if the call is not in it."""
    write = leave_set(table, app, call_id)
    write["Update"] |= {"ConditionExpression": "contains(held, :call)"}
    write["Update"]["ExpressionAttributeValues"] |= {":call": to_value(call_id)}
    return write


def remove_set(table: str, app: str) -> dict[str, Any]:
    """The write that removes the item; its condition fails if a call is in the set."""
    return {"Delete": {"TableName": table, "Key": set_key(app), "ConditionExpression": "attribute_not_exists(held)"}}


def held_in(item: "Mapping[str, AttributeValueTypeDef]") -> Iterator[HeldSlot]:
    for call_id in sorted(item.get("held", {}).get("SS", ())):
        yield HeldSlot(item["sk"]["S"], call_id, IN_SET)


def set_key(app: str) -> dict[str, Any]:
    return to_item({"pk": PARTITION, "sk": app})
