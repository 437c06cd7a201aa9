"""How often an app may ping its servers: a counter in the accounts table.

| pk          | sk             | what                            |
| ----------- | -------------- | ------------------------------- |
| COUNT#<app> | PINGS#<minute> | n: pings of that minute (epoch) |
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from duologue.adapters.aws import to_item
from duologue.adapters.dynamo_writes import count_up, write_one
from duologue.domain.errors import TooManyPings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoPingLimit:
    """Implements `usecases.ports.notifying.PingLimit`."""

    def __init__(self, client: "DynamoDBClient", accounts: str) -> None:
        """`accounts`: the table's name."""
        self._client = client
        self._table = accounts

    def count_ping(self, app_key: str, now: datetime, most: int) -> None:
        minute, second = divmod(int(now.timestamp()), 60)
        counter = to_item({"pk": f"COUNT#{app_key}", "sk": f"PINGS#{minute}"})
        refusal = TooManyPings(app_key, timedelta(seconds=60 - second))
        write_one(self._client, "accounts table", (count_up(self._table, counter, now, most), refusal))
