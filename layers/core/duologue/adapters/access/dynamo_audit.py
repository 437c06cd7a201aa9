"""The audit in the accounts table: an item for each entry, in a partition for each day (UTC).

| pk                 | sk                     | what                                  |
| ------------------ | ---------------------- | ------------------------------------- |
| AUDITED#<yyyymmdd> | <time>#<random number> | the attributes of an AuditEntry       |

Roles may put such items and nothing else. A reader queries day by day, from the newest; no table is scanned.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import from_item, outside, to_item
from duologue.adapters.rows.call_rows import written_time
from duologue.domain.access.audit import AuditEntry, AuditFilter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_DAY = timedelta(days=1)


class DynamoAudit:
    """Implements `usecases.ports.audit.AuditLog` and `AuditReader`."""

    def __init__(self, client: "DynamoDBClient", table: str, keep: timedelta = _DAY) -> None:
        """`keep`: retention of new entries."""
        self._client = client
        self._table = table
        self._keep = keep

    def add(self, entry: AuditEntry) -> None:
        row: dict[str, Any] = {
            "pk": f"AUDITED#{entry.at.astimezone(UTC):%Y%m%d}",
            "sk": f"{written_time(entry.at)}#{secrets.token_hex(4)}",
            "kind": entry.kind,
            "who": entry.who,
            "expires_at": int((entry.at + self._keep).timestamp()),
        }
        more = {"app": entry.app, "call": entry.call, "source": entry.source, "detail": entry.detail}
        with outside(_WHAT):
            self._client.put_item(
                TableName=self._table,
                Item=to_item(row | {name: text for name, text in more.items() if text}),
            )  # without a condition: the client repeats it if an answer is lost, and no two entries have one key

    def entries(self, wanted: AuditFilter, since: datetime, now: datetime, limit: int) -> Sequence[AuditEntry]:
        found: list[AuditEntry] = []
        day = now.astimezone(UTC)
        while day.date() >= since.astimezone(UTC).date() and len(found) < limit:
            for entry in self._of_day(f"AUDITED#{day:%Y%m%d}"):
                if entry.at < since or len(found) == limit:
                    break
                found += [entry] if wanted.takes(entry) else []
            day -= _DAY
        return found

    def _of_day(self, partition: str) -> Iterator[AuditEntry]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :day",
            ExpressionAttributeValues=to_item({":day": partition}),
            ScanIndexForward=False,
            ConsistentRead=True,
        )
        with outside(_WHAT):
            for page in pages:
                for row in map(from_item, page["Items"]):
                    at = datetime.fromisoformat(row["sk"].partition("#")[0])
                    named = {name: row.get(name, "") for name in ("app", "call", "source", "detail")}
                    yield AuditEntry(at, row["kind"], row["who"], **named)
