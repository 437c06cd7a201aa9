"""The deliveries that wait, in the index of what the sweeper looks at (sweep_index.py), by when it queues them.

An item leaves the index when a write puts it without its attributes. What the index does not have is read by the claim.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of, outside, to_item
from duologue.adapters.calls.dynamo_calls import WHAT, key_of
from duologue.adapters.rows.call_rows import Row, delivery_of, sequence_of_delivery, written_time
from duologue.adapters.rows.sealed_rows import UnopenedRows, opened_item
from duologue.adapters.rows.sweep_index import DUE, OPEN, entries, listed_as
from duologue.usecases.ports.notifying import Claimed, Notice, Waiting

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def waiting_row(notice: Notice, look_at: datetime) -> Row:
    """The attributes of an item that waits; `source` and `app` make a notice of it."""
    return {
        OPEN: listed_as(DUE, notice.call_id),
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
        for entry in entries(self._client, self._calls, WHAT, DUE, written_time(now), limit):
            yield Waiting(entry.call_id, entry.item, entry.look_at)

    def claim(self, waiting: Waiting, until: datetime) -> Claimed | None:
        try:
            with outside(WHAT):
                row = opened_item(UnopenedRows(), self._claimed(waiting, until))
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return None
            raise
        sequence, delivery = sequence_of_delivery(waiting.item), delivery_of(row)
        notice = Notice(waiting.call_id, sequence, row["source"], row["app"], delivery.version)
        return Claimed(notice, delivery.is_put_off)

    def _claimed(self, waiting: Waiting, until: datetime) -> Mapping[str, Any]:
        return self._client.update_item(
            TableName=self._calls,
            Key=key_of(waiting.call_id, waiting.item),
            UpdateExpression="SET close_by = :until",
            ConditionExpression="close_by = :seen",
            ExpressionAttributeValues=to_item({":until": written_time(until), ":seen": waiting.look_at}),
            ReturnValues="ALL_NEW",
        )["Attributes"]
