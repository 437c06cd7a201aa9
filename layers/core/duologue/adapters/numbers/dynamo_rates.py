"""The operator's rates in the accounts table.

| pk                | sk    | what                                      |
| ----------------- | ----- | ----------------------------------------- |
| DIALLING#PLATFORM | RATES | rates, JSON: prefix -> micro-USD a minute |

A full list is some 20 read units, and each call needs two of its rates. So a process reads it once a minute.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from duologue.adapters.basics.aws import from_item, outside, to_item
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.numbers.dynamo_deny_lists import of_platform
from duologue.domain.accounting.rates import ESTIMATES, Rates

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_PK, _SK = of_platform("RATES")
_CLOCK = SystemClock()
_KEPT = timedelta(minutes=1)


class DynamoRates:
    """Implements `usecases.ports.denying.RateBook`."""

    def __init__(self, client: "DynamoDBClient", table: str, now: Callable[[], datetime] = _CLOCK.now) -> None:
        self._client = client
        self._table = table
        self._now = now
        self._known: tuple[datetime, Rates] | None = None
        """The rates, and when they were read."""

    def rates(self) -> Rates:
        now = self._now()
        if self._known is None or abs(now - self._known[0]) >= _KEPT:
            self._known = now, self._read()
        return self._known[1]

    def _read(self) -> Rates:
        keys = [to_item({"pk": _PK, "sk": _SK})]
        found = read_all(self._client, _WHAT, {self._table: {"Keys": keys, "ConsistentRead": True}})[self._table]
        return json.loads(from_item(found[0])["rates"]) if found else ESTIMATES

    def set_rates(self, rates: Rates) -> None:
        item = to_item({"pk": _PK, "sk": _SK, "rates": json.dumps(dict(rates), separators=(",", ":"))})
        with outside(_WHAT):
            self._client.put_item(TableName=self._table, Item=item)
        self._known = None

    def forget_rates(self) -> None:
        with outside(_WHAT):
            self._client.delete_item(TableName=self._table, Key=to_item({"pk": _PK, "sk": _SK}))
        self._known = None
