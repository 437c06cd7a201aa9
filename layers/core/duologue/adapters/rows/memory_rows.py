"""Call memories as items of the accounts table, and back.

| pk                       | sk                | what                                                                  |
| ------------------------ | ----------------- | --------------------------------------------------------------------- |
| MEMORY#<display's hash>  | <pair's hash>     | a memory: its attributes, and the encrypted numbers (`sealed`)        |
| AUDIT#<pair's hash>      | <time>#<version>  | one change by the SP or the operator; it outlives the memory          |

A deleted memory leaves its `order` and `version` until it would have expired, so that a call that was dialled before
the deletion does not bring it back, and no earlier version becomes valid again. DynamoDB deletes expired items up to
days late: whoever reads a memory compares `expires_at`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from duologue.adapters.basics.aws import to_item
from duologue.adapters.rows.call_rows import written_time
from duologue.domain.calls.memory_draft import MemoryKey
from duologue.domain.memory.call_memory import CallMemory, SetBy

_DELETED = ("sealed", "target", "session", "app")
"""What a deletion removes."""


def display_key(display: str) -> str:
    """The partition of a display number's memories. `display`: its hash."""
    return f"MEMORY#{display}"


def memory_key(key: MemoryKey) -> dict[str, str]:
    return {"pk": display_key(key.display), "sk": key.pair}


def memory_of(row: Mapping[str, Any] | None) -> CallMemory | None:
    """The memory of an item's plain values, whether it has expired or not. None: there is none, or it was deleted."""
    if row is None or "sealed" not in row:
        return None
    return CallMemory(
        key=MemoryKey(row["pk"].removeprefix(display_key("")), row["sk"]),
        sp=row["sp"],
        app=row["app"],
        session=row["session"],
        order=row["order"],
        version=row["version"],
        set_by=SetBy(row["set_by"]),
        remembered_at=datetime.fromisoformat(row["remembered_at"]),
        expires_at=datetime.fromtimestamp(row["expires_at"], UTC),
        target=row["target"],
        sealed=row["sealed"],
    )


def remembered(table: str, memory: CallMemory) -> dict[str, Any]:
    """The write of a call's memory; its condition fails if a later one, or a later deletion, is there.

    `memory.version` is ignored: the version that is there counts up.
    """
    return _update(table, memory, "attribute_not_exists(pk) OR #order < :order", {}, " ADD version :one")


def repointed(table: str, before: CallMemory, after: CallMemory) -> dict[str, Any]:
    """The write of a change; its condition fails unless `before` is there."""
    return _update(table, after, "version = :before", {":before": before.version}, " ADD version :one")


def deleted(table: str, memory: CallMemory, order: str) -> dict[str, Any]:
    """The write of a deletion; its condition fails unless `memory` is there. `order`: of the deletion."""
    gone = ", ".join(f"#{name}" for name in _DELETED)
    return {
        "Update": {
            "TableName": table,
            "Key": to_item(memory_key(memory.key)),
            "UpdateExpression": f"SET #order = :order REMOVE {gone} ADD version :one",
            "ConditionExpression": "version = :before",
            "ExpressionAttributeNames": {f"#{name}": name for name in ("order", *_DELETED)},
            "ExpressionAttributeValues": to_item({":order": order, ":before": memory.version, ":one": 1}),
        }
    }


def _update(table: str, memory: CallMemory, condition: str, values: dict[str, Any], more: str) -> dict[str, Any]:
    attributes = {
        "sp": memory.sp,
        "app": memory.app,
        "session": memory.session,
        "order": memory.order,
        "set_by": memory.set_by,
        "remembered_at": written_time(memory.remembered_at),
        "expires_at": int(memory.expires_at.timestamp()),
        "target": memory.target,
        "sealed": memory.sealed,
    }
    return {
        "Update": {
            "TableName": table,
            "Key": to_item(memory_key(memory.key)),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in attributes) + more,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": to_item({f":{name}": value for name, value in attributes.items()} | values)
            | {":one": {"N": "1"}},
        }
    }
