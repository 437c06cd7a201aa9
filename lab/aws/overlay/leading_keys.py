"""The partition keys of the items that a DynamoDB request names are known to the policies that allow it.

AWS: `dynamodb:LeadingKeys` has the partition keys of the items, for all operations that take keys, batches included; a
policy compares it with `ForAllValues`, which is also met if the request has none.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
Each entry of a transaction is authorized as the operation on a single item that it is.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html

MiniStack: the key does not exist, so that a statement with `ForAllValues` allows every item.

Of a transaction, the entries with one action on one table are authorized together. AWS does not document whether it
looks at them one by one; what is allowed together is allowed one by one as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lab.aws.ministack import ministack

ENTRIES = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
"""The action that an entry of a transaction needs."""
_REQUEST = "request"
"""Carries the request from where its context is made to where it is authorized; no condition key has this name."""


def apply() -> None:
    """Add the key to what MiniStack takes from a request, for each action and table that it authorizes."""
    actions, evaluator = ministack("core.iam_actions"), ministack("core.iam_evaluator")
    stock_context, stock_enforce = actions.dynamodb_service_context, evaluator.enforce

    def context(body: bytes) -> dict[str, Any]:
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        found: dict[str, Any] = stock_context(body)
        return {**found, _REQUEST: said} if isinstance(said, dict) else found

    def enforce(
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        given = dict(service_context or {})
        request = given.pop(_REQUEST, None)
        if request is not None and (keys := _leading_keys(request, action.partition(":")[2], resource_arn)):
            given["dynamodb:LeadingKeys"] = keys
        return stock_enforce(access_key, action, service, region, resource_arn, given)

    actions.dynamodb_service_context, evaluator.enforce = context, enforce


def _leading_keys(request: dict[str, Any], action: str, arn: str) -> list[str]:
    """Those of the items of this table or index to which the request does `action`."""
    name, _, index = arn.partition(":table/")[2].partition("/index/")
    table = ministack("services.dynamodb")._tables.get(name)
    if table is None:
        return []
    found = values(request, action, name, _partition_key(table, index))
    return list(dict.fromkeys(str(next(iter(value.values()))) for value in found if value))


def _partition_key(table: dict[str, Any], index: str) -> str:
    for each in table.get("GlobalSecondaryIndexes") or []:
        if each["IndexName"] == index:
            return str(next(key["AttributeName"] for key in each["KeySchema"] if key["KeyType"] == "HASH"))
    return str(table["pk_name"])


def values(request: dict[str, Any], action: str, table: str, attribute: str) -> Iterator[Any]:
    """The values of a partition key, as DynamoDB writes them: `{"S": "text"}`. None: a part has none."""
    for entry in request.get("TransactItems", []):
        for kind, part in entry.items():
            if ENTRIES.get(kind) == action and _name(part.get("TableName")) == table:
                yield _item(part).get(attribute)
    for named, wanted in request.get("RequestItems", {}).items():
        if _name(named) == table:
            written = wanted if isinstance(wanted, list) else []
            keys = [_item(part) for each in written for part in each.values()] if written else wanted["Keys"]
            yield from (key.get(attribute) for key in keys)
    if "TableName" in request:
        yield _item(request).get(attribute)
        yield _queried(request, attribute)


def _item(part: dict[str, Any]) -> dict[str, Any]:
    """The key of a part of a request or, of a put, its whole item."""
    found: dict[str, Any] = part.get("Key") or part.get("Item") or {}
    return found


def _queried(request: dict[str, Any], attribute: str) -> Any:
    """The partition that a Query reads; None for any other request."""
    names = request.get("ExpressionAttributeNames") or {}
    for name, value in re.findall(r"([#\w]+)\s*=\s*(:\w+)", request.get("KeyConditionExpression") or ""):
        if names.get(name, name) == attribute:
            return (request.get("ExpressionAttributeValues") or {}).get(value)
    return None


def _name(table: Any) -> str:
    """A request may name a table by its ARN."""
    return str(table).rpartition("/")[2]
