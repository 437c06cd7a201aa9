"""Call memories as the SP and the operator read and change them; memory_rows.py has their items."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import from_item, outside, to_item
from duologue.adapters.basics.dynamo_writes import transact
from duologue.adapters.rows.call_rows import written_time
from duologue.adapters.rows.memory_rows import deleted, display_key, memory_key, memory_of, repointed
from duologue.domain.calls.memory_draft import MemoryKey
from duologue.domain.errors import RaceLost
from duologue.domain.memory.call_memory import CallMemory
from duologue.domain.memory.memory_history import MemoryChange
from duologue.usecases.ports.memories import MemoryPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_MOST_QUERIES = 5
"""Per page: other SPs' and expired memories are skipped by the table, but read."""


class DynamoMemories:
    """Implements `usecases.ports.memories.Memories`."""

    def __init__(self, client: "DynamoDBClient", table: str, keep: timedelta) -> None:
        """`keep`: how long changes are kept for the audit."""
        self._client = client
        self._table = table
        self._keep = keep

    def memory(self, key: MemoryKey) -> CallMemory | None:
        return memory_of(self._row(memory_key(key)))

    def of_display(self, display: str, sp: str | None, now: datetime, limit: int, after: str | None) -> MemoryPage:
        found: list[CallMemory] = []
        values: dict[str, Any] = {":display": display_key(display), ":now": int(now.timestamp())}
        wanted = "attribute_exists(sealed) AND expires_at > :now"
        if sp is not None:
            values, wanted = values | {":sp": sp}, f"{wanted} AND sp = :sp"
        for _ in range(_MOST_QUERIES):
            start: dict[str, Any] = (
                {"ExclusiveStartKey": to_item({"pk": display_key(display), "sk": after})} if after else {}
            )
            with outside(_WHAT):
                page = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :display",
                    FilterExpression=wanted,
                    ExpressionAttributeValues=to_item(values),
                    Limit=limit - len(found),
                    ConsistentRead=True,
                    **start,
                )
            found += _memories(page["Items"])
            after = page["LastEvaluatedKey"]["sk"]["S"] if "LastEvaluatedKey" in page else None
            if after is None or len(found) == limit:
                break
        return MemoryPage(tuple(found), after)

    def of_target(self, display: str, target: str) -> Iterator[CallMemory]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :display",
            FilterExpression="target = :target",
            ExpressionAttributeValues=to_item({":display": display_key(display), ":target": target}),
            ConsistentRead=True,
        )
        with outside(_WHAT):
            for page in pages:
                yield from _memories(page["Items"])

    def repoint(self, before: CallMemory, after: CallMemory, change: MemoryChange) -> None:
        self._write(repointed(self._table, before, after), before.key, change)

    def forget(self, memory: CallMemory, order: str, change: MemoryChange) -> None:
        self._write(deleted(self._table, memory, order), memory.key, change)

    def changes(self, key: MemoryKey, most: int) -> Sequence[MemoryChange]:
        with outside(_WHAT):
            found = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pair",
                ExpressionAttributeValues=to_item({":pair": _audit(key)}),
                ScanIndexForward=False,
                Limit=most,
                ConsistentRead=True,
            )
        return tuple(_change(from_item(item)) for item in found["Items"])

    def mask_changes(self, key: MemoryKey) -> None:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pair",
            FilterExpression="attribute_exists(from_number) OR attribute_exists(to_number)",
            ExpressionAttributeValues=to_item({":pair": _audit(key)}),
            ConsistentRead=True,
        )
        with outside(_WHAT):
            for item in [item for page in pages for item in page["Items"]]:
                self._client.update_item(
                    TableName=self._table,
                    Key={"pk": item["pk"], "sk": item["sk"]},
                    UpdateExpression="REMOVE from_number, to_number",
                )

    def _row(self, key: dict[str, str]) -> dict[str, Any] | None:
        with outside(_WHAT):
            found = self._client.get_item(TableName=self._table, Key=to_item(key), ConsistentRead=True)
        return from_item(found["Item"]) if "Item" in found else None

    def _write(self, write: dict[str, Any], key: MemoryKey, change: MemoryChange) -> None:
        """The SDK's repeat of a transaction whose response was lost has the same token, so it changes nothing twice."""
        row = {
            "pk": _audit(key),
            "sk": f"{written_time(change.at)}#{change.version}",
            "at": written_time(change.at),
            "sp": change.sp,
            "who": change.who,
            "from_number": change.before,
            "to_number": change.after,
            "version": change.version,
            "expires_at": int((change.at + self._keep).timestamp()),
        }
        item = to_item({name: value for name, value in row.items() if value is not None})
        audit: dict[str, Any] = {"Put": {"TableName": self._table, "Item": item}}
        changed = RaceLost("call memory")
        transact(self._client, _WHAT, (write, changed), (audit, changed))


def _memories(items: Sequence[Mapping[str, Any]]) -> list[CallMemory]:
    return [memory for item in items if (memory := memory_of(from_item(item))) is not None]


def _audit(key: MemoryKey) -> str:
    return f"AUDIT#{key.pair}"


def _change(row: Mapping[str, Any]) -> MemoryChange:
    at = datetime.fromisoformat(row["at"])
    return MemoryChange(at, row.get("sp", ""), row["who"], row.get("from_number"), row.get("to_number"), row["version"])
