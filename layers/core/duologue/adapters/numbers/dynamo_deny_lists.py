"""The deny list of the platform and the do-not-call list, in the accounts table.

| pk                | sk     | what                                                          |
| ----------------- | ------ | ------------------------------------------------------------- |
| DIALLING#PLATFORM | DENIED | patterns, JSON: pattern -> [verdict, why]                     |
| DNC#<hash>        | DNC    | a number on the do-not-call list: its masked form, since, why |

The hash of a number is keyed as those of call memories are. An app's own patterns are attributes of the app.

The patterns are one item, of some 30 to 60 read units when the list is full, and each callback needs them; a partition
has 3,000 units a second. So a process reads them every ten seconds, however many callbacks it handles.
"""

import json
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import from_item, outside, to_item
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.basics.dynamo_writes import write_one
from duologue.adapters.basics.system_clock import SystemClock
from duologue.domain.errors import RaceLost
from duologue.domain.numbers.deny_list import Denials, Entries, Entry, Verdict
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.denying import DoNotCall
from duologue.usecases.ports.memories import MemorySeal
from duologue.usecases.until_written import no_pause, until_written

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_CLOCK = SystemClock()
_PATTERNS_KEPT = timedelta(seconds=10)
_EVERYONE = "PLATFORM"


def of_platform(what: str) -> tuple[str, str]:
    """The key of an item that holds for all apps."""
    return f"DIALLING#{_EVERYONE}", what


_DENIED = of_platform("DENIED")


class DynamoDenyLists:
    """Implements `usecases.ports.denying.DenyLists` and `DenyBook`."""

    def __init__(
        self, client: "DynamoDBClient", table: str, seal: MemorySeal, now: Callable[[], datetime] = _CLOCK.now
    ) -> None:
        self._client = client
        self._table = table
        self._seal = seal
        self._now = now
        self._known: tuple[datetime, Entries] | None = None
        """The platform's patterns, and when they were read."""

    def of(self, numbers: Collection[PhoneNumber]) -> Denials:
        listed = {(self._partition(number), "DNC"): number for number in numbers}
        shown = {(f"NUMBER#{number.e164}", "NUMBER"): number for number in numbers}
        now, entries = self._now(), None
        if self._known is not None and abs(now - self._known[0]) < _PATTERNS_KEPT:
            entries = self._known[1]
        wanted = (*listed, *shown) if entries is not None else (_DENIED, *listed, *shown)
        keys = [to_item({"pk": pk, "sk": sk}) for pk, sk in wanted]
        found = read_all(self._client, _WHAT, {self._table: {"Keys": keys, "ConsistentRead": True}})[self._table]
        rows = {(row["pk"], row["sk"]): row for row in map(from_item, found)}
        if entries is None:
            entries = _entries(rows.get(_DENIED, {}))
            self._known = now, entries
        return Denials(
            entries=entries,
            do_not_call=frozenset(number for key, number in listed.items() if key in rows),
            # Without apps a number is nobody's (dynamo_account_book.py).
            shown=frozenset(number for key, number in shown.items() if rows.get(key, {}).get("apps")),
        )

    def entries(self) -> Entries:
        return _entries(self._row())

    def change_entries(self, change: Callable[[Entries], Entries]) -> Entries:
        def once() -> Entries:
            row = self._row()
            before = _entries(row)
            after = change(before)
            if after != before:
                self._write(row.get("version", 0), after)
            return after

        return until_written(once, no_pause, "deny list")

    def do_not_call(self, number: PhoneNumber, since: datetime, why: str) -> None:
        reason = ":why" if why else "if_not_exists(why, :why)"
        values = {":masked": str(number), ":since": since.isoformat(timespec="seconds"), ":why": why}
        with outside(_WHAT):
            self._client.update_item(
                TableName=self._table,
                Key=to_item({"pk": self._partition(number), "sk": "DNC"}),
                UpdateExpression=f"SET masked = :masked, since = if_not_exists(since, :since), why = {reason}",
                ExpressionAttributeValues=to_item(values),
            )

    def may_call(self, number: PhoneNumber) -> bool:
        key = to_item({"pk": self._partition(number), "sk": "DNC"})
        with outside(_WHAT):
            return bool(
                self._client.delete_item(TableName=self._table, Key=key, ReturnValues="ALL_OLD").get("Attributes")
            )

    def on_do_not_call(self) -> Iterator[DoNotCall]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            FilterExpression="sk = :kind",
            ExpressionAttributeValues=to_item({":kind": "DNC"}),
        )
        with outside(_WHAT):
            for page in pages:
                for row in map(from_item, page["Items"]):
                    yield DoNotCall(row["masked"], datetime.fromisoformat(row["since"]), row["why"])

    def _partition(self, number: PhoneNumber) -> str:
        return f"DNC#{self._seal.proof(f'do not call {number.e164}')}"

    def _row(self) -> dict[str, Any]:
        pk, sk = _DENIED
        with outside(_WHAT):
            found = self._client.get_item(TableName=self._table, Key=to_item({"pk": pk, "sk": sk}), ConsistentRead=True)
        return from_item(found.get("Item", {}))

    def _write(self, version: int, entries: Entries) -> None:
        pk, sk = _DENIED
        patterns = json.dumps({pattern: [entry.verdict, entry.why] for pattern, entry in sorted(entries.items())})
        put = {
            "TableName": self._table,
            "Item": to_item({"pk": pk, "sk": sk, "patterns": patterns, "version": version + 1}),
            "ConditionExpression": "attribute_not_exists(pk) OR version = :read",
            "ExpressionAttributeValues": to_item({":read": version}),
        }
        write_one(self._client, _WHAT, ({"Put": put}, RaceLost("deny list")))


def _entries(row: dict[str, Any]) -> Entries:
    written = json.loads(row.get("patterns", "{}"))
    return {pattern: Entry(Verdict(verdict), why) for pattern, (verdict, why) in written.items()}
