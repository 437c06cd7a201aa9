"""The operator's rates in the accounts table.

| pk                | sk    | what                                      |
| ----------------- | ----- | ----------------------------------------- |
| DIALLING#PLATFORM | RATES | rates, JSON: prefix -> micro-USD a minute |
"""

import json
from typing import TYPE_CHECKING

from duologue.adapters.aws import from_item, outside, to_item
from duologue.adapters.dynamo_deny_lists import of_platform
from duologue.adapters.dynamo_reads import read_all
from duologue.domain.rates import ESTIMATES, Rates

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_PK, _SK = of_platform("RATES")


class DynamoRates:
    """Implements `usecases.ports.denying.RateBook`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def rates(self) -> Rates:
        keys = [to_item({"pk": _PK, "sk": _SK})]
        found = read_all(self._client, _WHAT, {self._table: {"Keys": keys, "ConsistentRead": True}})[self._table]
        return json.loads(from_item(found[0])["rates"]) if found else ESTIMATES

    def set_rates(self, rates: Rates) -> None:
        item = to_item({"pk": _PK, "sk": _SK, "rates": json.dumps(dict(rates), separators=(",", ":"))})
        with outside(_WHAT):
            self._client.put_item(TableName=self._table, Item=item)

    def forget_rates(self) -> None:
        with outside(_WHAT):
            self._client.delete_item(TableName=self._table, Key=to_item({"pk": _PK, "sk": _SK}))
