"""The deliveries that wait, in the index `open-calls`, which has all that the sweeper looks at by its due time.

`open` is `due#<shard>`, with the shard of the call, and `close_by` the time at which the sweeper looks at it. An item
leaves the index when a write puts it without them. The index has the keys only: the rest is read by the claim.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.aws import code_of, from_item, outside, to_item
from duologue.adapters.call_rows import SHARDS, Row, sequence_of_delivery, shard_of, written_time
from duologue.adapters.dynamo_calls import OPEN, WHAT, key_of
from duologue.adapters.dynamo_open_calls import INDEX
from duologue.usecases.ports.notifying import Notice, Waiting

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def waiting_row(notice: Notice, look_at: datetime) -> Row:
    """The attributes of an item that waits; `source` and `app` make a notice of it."""
    return {
        OPEN: _shard(shard_of(notice.call_id)),
        "close_by": written_time(look_at),
        "source": notice.source,
        "app": notice.app,
    }


class DynamoWaiting:
    """Implements `usecases.ports.notifying.WaitingNotifications`."""

    def __init__(self, client: "DynamoDBClient", calls: str) -> None:
        self._client = client
        self._calls = calls

    def due(self, now: datetime, limit: int) -> Iterator[Waiting]:
        return islice(chain.from_iterable(self._due_in(shard, now) for shard in range(SHARDS)), limit)

    def claim(self, waiting: Waiting, until: datetime) -> Notice | None:
        try:
            with outside(WHAT):
                row = from_item(self._claimed(waiting, until))
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return None
            raise
        return Notice(waiting.call_id, sequence_of_delivery(waiting.item), row["source"], row["app"], row["version"])

    def _claimed(self, waiting: Waiting, until: datetime) -> Mapping[str, Any]:
        return self._client.update_item(
            TableName=self._calls,
            Key=key_of(waiting.call_id, waiting.item),
            UpdateExpression="SET close_by = :until",
            ConditionExpression="close_by = :seen",
            ExpressionAttributeValues=to_item({":until": written_time(until), ":seen": waiting.look_at}),
            ReturnValues="ALL_NEW",
        )["Attributes"]

    def _due_in(self, shard: int, now: datetime) -> Iterator[Waiting]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._calls,
            IndexName=INDEX,
            KeyConditionExpression="#open = :open AND close_by <= :now",
            ExpressionAttributeNames={"#open": OPEN},
            ExpressionAttributeValues=to_item({":open": _shard(shard), ":now": written_time(now)}),
        )
        with outside(WHAT):
            for page in pages:
                for item in page["Items"]:
                    yield Waiting(item["call"]["S"], item["item"]["S"], item["close_by"]["S"])


def _shard(number: int) -> str:
    return f"due#{number:02d}"
