"""Calls that are over and not yet reconciled, in the index of what the sweeper looks at (sweep_index.py)."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from duologue.adapters.basics.aws import to_item
from duologue.adapters.basics.dynamo_writes import write_one
from duologue.adapters.calls.dynamo_calls import WHAT, key_of
from duologue.adapters.rows.call_rows import CALL, written_time
from duologue.adapters.rows.sweep_index import OPEN, OVER, entries
from duologue.domain.errors import RaceLost
from duologue.usecases.ports.calls import EndedCall

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoEndedCalls:
    """Implements `usecases.ports.calls.EndedCalls`."""

    def __init__(self, client: "DynamoDBClient", calls: str) -> None:
        self._client = client
        self._calls = calls

    def unreconciled(self, now: datetime, limit: int) -> Iterator[EndedCall]:
        for entry in entries(self._client, self._calls, WHAT, OVER, written_time(now), limit):
            yield EndedCall(entry.call_id, entry.look_at)

    def reconciled(self, ended: EndedCall) -> None:
        self._change(ended, "REMOVE #open, close_by", {}, ExpressionAttributeNames={"#open": OPEN})

    def postponed(self, ended: EndedCall, until: datetime) -> None:
        self._change(ended, "SET close_by = :until", {":until": written_time(until)})

    def _change(self, ended: EndedCall, change: str, values: dict[str, str], **names: dict[str, str]) -> None:
        update = {
            "TableName": self._calls,
            "Key": key_of(ended.call_id, CALL),
            "UpdateExpression": change,
            "ConditionExpression": "close_by = :seen",
            "ExpressionAttributeValues": to_item({":seen": ended.look_at} | values),
        }
        update |= names
        with suppress(RaceLost):  # another sweep did it, or the next one will
            write_one(self._client, WHAT, ({"Update": update}, RaceLost(ended.call_id)))
