"""The directory of SPs and apps: one partition of the accounts table, so that listing them reads no other items.

| pk        | sk                | what                                              |
| --------- | ----------------- | ------------------------------------------------- |
| DIRECTORY | APP#<key>         | there is such an app                              |
| DIRECTORY | SP#<id>           | there is such an SP                               |
| DIRECTORY | FILLED            | accounts of releases before are in it too         |

An entry is written in the transaction that adds the account and deleted in the one that removes it. The first listing
after an update from a release without a directory reads the whole table once, and fills it. What such a release adds
later, after a rollback or from another machine, is found by a thorough listing: where an app must not be missed.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import from_item, outside, to_item
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.basics.dynamo_writes import Write, write_one
from duologue.domain.errors import RaceLost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_PARTITION, _FILLED = "DIRECTORY", "FILLED"
_MOST_KEYS = 100
"""Of one BatchGetItem."""


def listed(table: str, account: str) -> Write:
    """The write that lists an account. `account`: the partition key of its item."""
    return {"Put": {"TableName": table, "Item": _key(account)}}, RaceLost(account)


def unlisted(table: str, account: str) -> Write:
    return {"Delete": {"TableName": table, "Key": _key(account)}}, RaceLost(account)


class DynamoDirectory:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def accounts(self, kind: str, *, thorough: bool = False) -> Iterator[dict[str, Any]]:
        """The rows of all accounts of a kind, APP or SP, by key. Consistent with the writes before.

        `thorough`: read the whole table again, and list what is missing.
        """
        names = sorted(self._fill() if thorough else self._names())
        keys = [to_item({"pk": name, "sk": kind}) for name in names if name.startswith(f"{kind}#")]
        for begin in range(0, len(keys), _MOST_KEYS):
            some = keys[begin : begin + _MOST_KEYS]
            found = read_all(self._client, _WHAT, {self._table: {"Keys": some, "ConsistentRead": True}})
            yield from sorted(map(from_item, found[self._table]), key=lambda row: str(row["pk"]))

    def _names(self) -> Sequence[str]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :directory",
            ExpressionAttributeValues=to_item({":directory": _PARTITION}),
            ConsistentRead=True,
        )
        with outside(_WHAT):
            names = {item["sk"]["S"] for page in pages for item in page["Items"]}
        if _FILLED not in names:
            names |= self._fill()
        return list(names)

    def _fill(self) -> set[str]:
        """Returns what it listed."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            FilterExpression="(sk = :app AND begins_with(pk, :app)) OR (sk = :sp AND begins_with(pk, :sp))",
            ExpressionAttributeValues=to_item({":app": "APP", ":sp": "SP"}),
            ProjectionExpression="pk",
        )
        with outside(_WHAT):
            found = {item["pk"]["S"] for page in pages for item in page["Items"]}
        for account in sorted(found):
            write_one(self._client, _WHAT, listed(self._table, account))
        write_one(self._client, _WHAT, listed(self._table, _FILLED))
        return found


def _key(account: str) -> dict[str, Any]:
    return to_item({"pk": _PARTITION, "sk": account})
