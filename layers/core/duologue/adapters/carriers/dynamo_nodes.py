"""The table of nodes. Each node writes its own row every few seconds (pstn.yaml makes the table).

| Key            | Attributes read here                                                                              |
| -------------- | ------------------------------------------------------------------------------------------------- |
| `kind`, `node` | `address`, `room`, `beat_at` (unix seconds with a fraction), `draining`, `gone`, `buried`         |

`kind` is always "node". `buried` is false while the calls of a dead node are being finalized, and true when they are;
only the sweeper writes it.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import always_outside
from duologue.domain.calls.node import Burial, Node
from duologue.usecases.ports.outside import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "nodes table"
_KIND = {"S": "node"}
_KEPT = timedelta(seconds=2)
"""How long the rows are used again: a node writes its own every 5 s."""
_BURIALS = {None: None, False: Burial.BEGUN, True: Burial.DONE}

_log = logging.getLogger(__name__)


class DynamoNodes:
    """Implements `usecases.ports.nodes.NodeTable`."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._read: tuple[datetime, Mapping[str, Node]] | None = None

    def recent(self) -> Mapping[str, Node]:
        """All nodes by their ids, as of the last seconds. Raises OutsideUnavailable."""
        now, read = self._clock.now(), self._read
        if read is None or not now - _KEPT < read[0] <= now:
            read = self._read = now, self.current()
        return read[1]

    def current(self) -> Mapping[str, Node]:
        """The same, read now."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="kind = :kind",
            ExpressionAttributeValues={":kind": _KIND},
            ConsistentRead=True,
        )
        with always_outside(_WHAT):
            nodes = [_node(item) for page in pages for item in page["Items"]]
        return {node.id: node for node in nodes if node is not None}

    def declare_dead(self, node: Node) -> bool:
        """Begin a node's burial, unless it has begun, or the node has written its row since `node` was read."""
        return self._written(
            node.id,
            "SET buried = :begun",
            "beat_at < :next AND attribute_not_exists(buried)",
            {":begun": {"BOOL": False}, ":next": {"N": str(int(node.beat_at.timestamp()) + 1)}},
        )

    def bury(self, node_id: str) -> None:
        done = {":done": {"BOOL": True}}
        self._written(node_id, "SET buried = :done", "attribute_exists(buried)", done)

    def _written(self, node_id: str, update: str, condition: str, values: Mapping[str, Any]) -> bool:
        """False: the condition is not met."""
        try:
            with always_outside(_WHAT, but="ConditionalCheckFailedException"):
                self._client.update_item(
                    TableName=self._table,
                    Key={"kind": _KIND, "node": {"S": node_id}},
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                )
        except ClientError:
            return False
        return True


def _node(item: Mapping[str, Any]) -> Node | None:
    """None: the row is not a node's. It must not hide the others."""
    try:
        return Node(
            id=item["node"]["S"],
            address=item["address"]["S"],
            room=int(float(item["room"]["N"])),
            beat_at=datetime.fromtimestamp(float(item["beat_at"]["N"]), UTC),
            draining=_flag(item, "draining") or False,
            gone=_flag(item, "gone") or False,
            burial=_BURIALS[_flag(item, "buried")],
        )
    except (KeyError, ValueError, OverflowError):
        _log.warning("a row of the nodes table cannot be read", extra={"node": item.get("node")})
        return None


def _flag(item: Mapping[str, Any], name: str) -> bool | None:
    return item[name]["BOOL"] if name in item else None
