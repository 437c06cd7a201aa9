"""The history of a call, by one query."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from duologue.adapters.aws import outside
from duologue.adapters.call_rows import history_of
from duologue.adapters.dynamo_calls import WHAT
from duologue.adapters.rows_before import in_todays_terms
from duologue.adapters.sealed_rows import RowSeal, opened_item
from duologue.call_control.history import History

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoHistories:
    """Implements `usecases.ports.calls.Histories`."""

    def __init__(self, client: "DynamoDBClient", calls: str, seal: RowSeal) -> None:
        self._client = client
        self._calls = calls
        self._seal = seal

    def history(self, call_id: str) -> History:
        return history_of(call_id, rows_of(self._client, self._calls, call_id, self._seal))


def rows_of(client: "DynamoDBClient", calls: str, call_id: str, seal: RowSeal) -> Mapping[str, dict[str, Any]]:
    """All items of a call by sort key."""
    pages = client.get_paginator("query").paginate(  # one page holds 1 MB; a call is some tens of KB
        TableName=calls,
        KeyConditionExpression="#call = :call",
        ExpressionAttributeNames={"#call": "call"},
        ExpressionAttributeValues={":call": {"S": call_id}},
        ConsistentRead=True,
    )
    with outside(WHAT):
        rows: dict[str, dict[str, Any]] = {
            item["item"]["S"]: opened_item(seal, item) for page in pages for item in page["Items"]
        }
    return in_todays_terms(rows)
