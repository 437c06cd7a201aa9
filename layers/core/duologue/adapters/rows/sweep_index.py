"""The sparse index `open-calls`: all that the sweeper looks at, by the time at which it does.

| item        | `open`        | `close_by`                                                                   |
| ----------- | ------------- | ---------------------------------------------------------------------------- |
| CALL, open  | `open#<shard>`| when the call is due (domain/calls/due.py)                                         |
| CALL, over  | `over#<shard>`| when the call is reconciled; the attributes are removed when it was          |
| DELIVERY#…  | `due#<shard>` | when the waiting notification is queued                                      |

An item leaves the index when it loses these attributes. The index has the keys only. Each kind has `SHARDS` partitions
(call_rows.py), as one takes 1,000 writes a second. The open calls of release 0.1.0 are in one, `open`; the next release
need not look there.
"""

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from duologue.adapters.basics.aws import outside, to_item
from duologue.adapters.rows.call_rows import SHARDS, shard_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

INDEX = "open-calls"
OPEN = "open"
"""The attribute, and the first kind of entry: an open call."""
DUE, OVER = "due", "over"
"""The other kinds: a waiting notification, a call that is over."""


class Entry(NamedTuple):
    """`look_at`: the text of `close_by`. Entries sort by it."""

    look_at: str
    call_id: str
    item: str


def listed_as(kind: str, call_id: str) -> str:
    """The value of `open`."""
    return _shard(kind, shard_of(call_id))


def entries(client: "DynamoDBClient", table: str, what: str, kind: str, until: str, limit: int) -> Iterator[Entry]:
    """At most `limit` entries of a kind with `look_at` up to `until`, oldest first. Pages are read as they are needed.

    `what`: the table, for errors. Raises OutsideUnavailable.
    """
    partitions = [_shard(kind, shard) for shard in range(SHARDS)] + ([OPEN] if kind == OPEN else [])
    found = (_entries_in(client, table, what, partition, until) for partition in partitions)
    return islice(heapq.merge(*found), limit)


def _entries_in(client: "DynamoDBClient", table: str, what: str, shard: str, until: str) -> Iterator[Entry]:
    pages = client.get_paginator("query").paginate(
        TableName=table,
        IndexName=INDEX,
        KeyConditionExpression="#open = :open AND close_by <= :until",
        ExpressionAttributeNames={"#open": OPEN},
        ExpressionAttributeValues=to_item({":open": shard, ":until": until}),
    )
    with outside(what):
        for page in pages:
            for item in page["Items"]:
                yield Entry(item["close_by"]["S"], item["call"]["S"], item["item"]["S"])


def _shard(kind: str, number: int) -> str:
    return f"{kind}#{number:02d}"
