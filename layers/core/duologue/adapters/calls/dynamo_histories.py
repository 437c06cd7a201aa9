"""The history of a call, by one query."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import outside
from duologue.adapters.calls.dynamo_calls import WHAT
from duologue.adapters.rows.call_rows import facts_of, history_of, is_event
from duologue.adapters.rows.rows_before import in_todays_terms
from duologue.adapters.rows.sealed_rows import RowSeal, opened_item
from duologue.call_control.history import History
from duologue.call_control.trace import TracedEvent
from duologue.domain.calls.task_token import Wait
from duologue.domain.errors import SealBroken, UnreadableCall

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


UNREADABLE = (KeyError, ValueError, TypeError, SealBroken)
"""Of a call that is damaged, or that a later release wrote."""


class DynamoHistories:
    """Implements `usecases.ports.calls.Histories` and `usecases.ports.traces.CallTraces`."""

    def __init__(self, client: "DynamoDBClient", calls: str, seal: RowSeal) -> None:
        self._client = client
        self._calls = calls
        self._seal = seal

    def history(self, call_id: str) -> History:
        try:
            return history_of(call_id, rows_of(self._client, self._calls, call_id, self._seal))
        except UNREADABLE as error:
            raise UnreadableCall(call_id) from error

    def trace(self, call_id: str) -> tuple[History, Sequence[TracedEvent]]:
        try:
            rows = rows_of(self._client, self._calls, call_id, self._seal)
            events = [_traced(item, row) for item, row in rows.items() if is_event(item)]
            return history_of(call_id, rows), sorted(events, key=lambda each: (each.first, bool(each.facts)))
        except UNREADABLE as error:
            raise UnreadableCall(call_id) from error


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


def _traced(item: str, row: dict[str, Any]) -> TracedEvent:
    _, network_call, key = item.split("#", 2)
    facts = tuple(facts_of(row).values())
    at = facts[0].at if facts else None
    if at is None and "listed_at" in row:
        at = datetime.fromtimestamp(int(row["listed_at"].partition("#")[0]), UTC)
    resumes = Wait(row["resumes"]) if "resumes" in row else None
    return TracedEvent(network_call, key, at, row["first"], facts, row.get("answer", ""), resumes)
