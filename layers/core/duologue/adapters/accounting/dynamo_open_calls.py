"""The sweeper's view: the sparse index of open calls, and the slots."""

import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import TYPE_CHECKING

from duologue.adapters.basics.aws import from_item
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.basics.dynamo_writes import Write, transact
from duologue.adapters.calls.dynamo_calls import WHAT, key_of
from duologue.adapters.calls.dynamo_slots import free_leaked, held_slots
from duologue.adapters.rows.call_rows import CALL, written_time
from duologue.adapters.rows.sweep_index import OPEN, OVER, Entry, entries, listed_as
from duologue.domain.calls.node import node_of_call
from duologue.domain.errors import RaceLost
from duologue.usecases.ports.call_changes import HeldSlot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NAMES = {"#open": OPEN}
_ALL = "~"
"""After every time."""
_MOST_READ = 100
"""Keys of one BatchGetItem."""


class DynamoOpenCalls:
    """Implements `usecases.ports.calls.OpenCalls`."""

    def __init__(self, client: "DynamoDBClient", calls: str, accounts: str) -> None:
        self._client = client
        self._calls = calls
        self._accounts = accounts

    def overdue(self, now: datetime, limit: int) -> Sequence[str]:
        return [entry.call_id for entry in self._entries(written_time(now), limit)]

    def open_calls(self) -> Set[str]:
        return {entry.call_id for entry in self._entries(_ALL, sys.maxsize)}

    def on_nodes(self, nodes: Container[str]) -> Mapping[str, str]:
        """All open calls are read, because no index has their nodes; it is only done when one has died."""
        found: dict[str, str] = {}
        ids = sorted(self.open_calls())
        for some in (ids[at : at + _MOST_READ] for at in range(0, len(ids), _MOST_READ)):
            wanted = {
                "Keys": [key_of(call_id, CALL) for call_id in some],
                "ProjectionExpression": "#call, network_call, dial_mark",
                "ExpressionAttributeNames": {"#call": "call"},
                "ConsistentRead": True,
            }
            for item in map(from_item, read_all(self._client, WHAT, {self._calls: wanted})[self._calls]):
                node = node_of_call(item.get("network_call"), item.get("dial_mark"))
                if node in nodes:
                    found[item["call"]] = node
        return found

    def _entries(self, until: str, limit: int) -> Iterator[Entry]:
        return entries(self._client, self._calls, WHAT, OPEN, until, limit)

    def held_slots(self) -> Iterable[HeldSlot]:
        return held_slots(self._client, self._accounts)

    def free_slot(self, slot: HeldSlot) -> bool:
        """One transaction with a check of the call, so a call accepted meanwhile keeps its slot and pair."""
        look = {
            "TableName": self._calls,
            "Key": key_of(slot.call_id, CALL),
            "ConditionExpression": "attribute_not_exists(#open) OR #open = :over",
            "ExpressionAttributeNames": _NAMES,
            "ExpressionAttributeValues": {":over": {"S": listed_as(OVER, slot.call_id)}},
        }
        is_over: Write = {"ConditionCheck": look}, RaceLost(slot.call_id)
        try:
            transact(self._client, WHAT, is_over, *free_leaked(self._accounts, slot))
        except RaceLost:
            return False
        return True
