"""The table of nodes in DynamoDB: one row for each, which the node itself writes every few seconds.

Partition key `kind` = "node", sort key `node` (8 hex digits, new at each start of the process):

| Attribute    | Type | What it is                                                               | Written by   |
| ------------ | ---- | ------------------------------------------------------------------------ | ------------ |
| `address`    | S    | of the node's API, "10.0.1.5:8443"                                       | the node     |
| `room`       | N    | calls that it can take now                                               | the node     |
| `calls`      | N    | calls that it has                                                        | the node     |
| `beat_at`    | N    | unix seconds of this write, with a fraction                              | the node     |
| `started_at` | N    | unix seconds                                                             | the node     |
| `draining`   | BOOL | it takes no calls any more, and leaves when it has none                  | the node     |
| `version`    | S    | of the software                                                          | the node     |
| `sip_ports`  | NS   | at which it takes calls of edges, one for each of its processes          | the node     |
| `gone`       | BOOL | it left in order, and had no calls                                       | the node     |
| `expires_at` | N    | time to live: one day after the write                                    | the node     |
| `buried`     | BOOL | it was declared dead: false while its calls are being closed, true after | the platform |
| `adopted`    | BOOL | its recordings were put together                                         | other nodes  |

A row goes by its time to live, or when others remove it: an hour after its last beat, once the node's calls are closed
and its recordings put together. Many rows are left where a node starts again and again, and each request to nodes
reads them all.

A node is dead if it has not written for `DEAD_S` and is not gone. A node that is declared dead stays so: it cannot
write its row again, and comes back under another id only.
"""

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

KIND = "node"
BEAT_S, DEAD_S, DONE_S, KEPT_S = 5.0, 15.0, 3_600.0, 86_400
NODE_ID = re.compile("[0-9a-f]{8}")
_REFUSED = "ConditionalCheckFailedException"
_UUID = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"


class Buried(Exception):
    """This node was declared dead."""


class TableError(Exception):
    """The table cannot be read or written now. The text is the error's name."""


@dataclass(frozen=True)
class Beat:
    """What a node says of itself."""

    address: str
    room: int
    calls: int
    started_at: float
    draining: bool
    version: str
    sip_ports: Collection[int]
    gone: bool = False


@dataclass(frozen=True)
class Row:
    """What others read of a node."""

    node: str
    address: str
    beat_at: float
    gone: bool = False
    adopted: bool = False
    buried: bool = False
    """Its calls are closed."""

    def is_done(self, now: float) -> bool:
        """Nobody needs its row any more, and nothing can write it: no process sleeps for `DONE_S` and goes on."""
        return self.buried and (self.adopted or self.gone) and now - self.beat_at > DONE_S

    def is_dead(self, now: float) -> bool:
        return not self.gone and now - self.beat_at > DEAD_S


def owner_of(transaction_id: str) -> str | None:
    """The id of the node that a call is on; None: this is not the id of a node's call."""
    node, hyphen = transaction_id[: -len(_UUID) - 1], transaction_id[-len(_UUID) - 1 : -len(_UUID)]
    return node if hyphen == "-" and NODE_ID.fullmatch(node) else None


class NodesTable:
    """`client`: of DynamoDB, with time-outs well below `BEAT_S` and without repeats. `now`: unix seconds."""

    def __init__(self, client: Any, table: str, now: Callable[[], float] = time.time) -> None:
        self._client, self._table, self._now = client, table, now

    def write(self, node: str, beat: Beat) -> None:
        """Raises: Buried, TableError."""
        now = self._now()
        values = {
            "address": {"S": beat.address},
            "room": {"N": str(beat.room)},
            "calls": {"N": str(beat.calls)},
            "beat_at": {"N": f"{now:.3f}"},
            "started_at": {"N": f"{beat.started_at:.3f}"},
            "draining": {"BOOL": beat.draining},
            "version": {"S": beat.version},
            "sip_ports": {"NS": [str(port) for port in beat.sip_ports]},
            "gone": {"BOOL": beat.gone},
            "expires_at": {"N": str(int(now) + KEPT_S)},
        }
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(node),
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                ConditionExpression="attribute_not_exists(buried)",
                ExpressionAttributeNames={f"#{name}": name for name in values},
                ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
            )
        except ClientError as error:
            if _code(error) == _REFUSED:
                raise Buried from None
            raise TableError(_code(error)) from None
        except BotoCoreError as error:
            raise TableError(type(error).__name__) from None

    def row(self, node: str) -> Row | None:
        """Raises: TableError."""
        found = self._asked(lambda: self._client.get_item(TableName=self._table, Key=_key(node), ConsistentRead=True))
        return _row(found["Item"]) if "Item" in found else None

    def rows(self) -> list[Row]:
        """All of them, without those that cannot be read. Raises: TableError."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="kind = :kind",
            ExpressionAttributeValues={":kind": {"S": KIND}},
        )
        items = self._asked(lambda: [item for page in pages for item in page["Items"]])
        return [row for item in items if (row := _row(item)) is not None]

    def adopted(self, node: str) -> None:
        """Its recordings were put together: no other node needs to look for them. Raises: TableError."""
        self._asked(
            lambda: self._client.update_item(
                TableName=self._table,
                Key=_key(node),
                UpdateExpression="SET adopted = :yes",
                ConditionExpression="attribute_exists(beat_at)",
                ExpressionAttributeValues={":yes": {"BOOL": True}},
            )
        )

    def remove(self, node: str) -> None:
        """Remove the row of a node, if its calls are closed and no other node has removed it. Raises: TableError."""
        try:
            self._asked(
                lambda: self._client.delete_item(
                    TableName=self._table,
                    Key=_key(node),
                    ConditionExpression="buried = :yes",
                    ExpressionAttributeValues={":yes": {"BOOL": True}},
                )
            )
        except TableError as error:
            if str(error) != _REFUSED:
                raise

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except ClientError as error:
            raise TableError(_code(error)) from None
        except BotoCoreError as error:
            raise TableError(type(error).__name__) from None


def _key(node: str) -> dict[str, Any]:
    return {"kind": {"S": KIND}, "node": {"S": node}}


def _row(item: Mapping[str, Any]) -> Row | None:
    try:
        return Row(
            item["node"]["S"],
            item["address"]["S"],
            float(item["beat_at"]["N"]),
            _flag(item, "gone"),
            _flag(item, "adopted"),
            _flag(item, "buried"),
        )
    except (KeyError, ValueError):  # not a node's: it must not hide the others
        return None


def _flag(item: Mapping[str, Any], name: str) -> bool:
    return bool(item.get(name, {}).get("BOOL"))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "ClientError"))
