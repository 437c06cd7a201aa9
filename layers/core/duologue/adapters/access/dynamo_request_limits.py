"""How often an app may send requests, and ping its servers: counters in the accounts table.

| pk          | sk             | what                                                                                  |
| ----------- | -------------- | ------------------------------------------------------------------------------------- |
| COUNT#<app> | PINGS#<minute> | n: pings of that minute (epoch)                                                       |
| COUNT#<app> | REQUESTS       | ends_at: when its requests would end, in microseconds, if it had sent them one by one |

Requests are one item for each app, not one for each second, which commands that read the whole table would meet by the
hundred thousand. Each takes its share of a second from `ends_at` (the generic cell rate algorithm, ITU-T I.371): of a
second's worth, all may come at once. That costs a write unit, or two within a burst.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import to_item
from duologue.adapters.basics.dynamo_writes import COUNTS_KEPT, count_up, write_one
from duologue.domain.errors import DuologueError, TooManyPings, TooManyRequests

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_SECOND = 1_000_000
"""In microseconds."""


class DynamoRequestLimits:
    """Implements `usecases.ports.notifying.PingLimit` and `usecases.ports.accounts.RequestLimit`."""

    def __init__(self, client: "DynamoDBClient", accounts: str) -> None:
        """`accounts`: the table's name."""
        self._client = client
        self._table = accounts

    def count_ping(self, app_key: str, now: datetime, most: int) -> None:
        minute, second = divmod(int(now.timestamp()), 60)
        counter = to_item({"pk": f"COUNT#{app_key}", "sk": f"PINGS#{minute}"})
        refusal = TooManyPings(app_key, timedelta(seconds=60 - second))
        write_one(self._client, _WHAT, (count_up(self._table, counter, now, most), refusal))

    def count_request(self, app_key: str, now: datetime, most: int) -> None:
        at, share = int(now.timestamp() * _SECOND), _SECOND // most
        expires = int((now + COUNTS_KEPT).timestamp())
        try:
            first = {":now": at, ":ends": at + share, ":expires": expires}
            condition = "attribute_not_exists(ends_at) OR ends_at <= :now"
            self._update(app_key, "SET ends_at = :ends, expires_at = :expires", condition, first, _InABurst(app_key))
        except _InABurst:
            another = {":share": share, ":latest": at + _SECOND - share}
            refusal = TooManyRequests(app_key, timedelta(seconds=1))
            self._update(app_key, "ADD ends_at :share", "ends_at <= :latest", another, refusal)

    def _update(
        self, app_key: str, change: str, condition: str, values: dict[str, Any], refusal: DuologueError
    ) -> None:
        update = {
            "TableName": self._table,
            "Key": to_item({"pk": f"COUNT#{app_key}", "sk": "REQUESTS"}),
            "UpdateExpression": change,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
        }
        write_one(self._client, _WHAT, ({"Update": update}, refusal))


class _InABurst(DuologueError):
    """Earlier requests have not ended yet."""
