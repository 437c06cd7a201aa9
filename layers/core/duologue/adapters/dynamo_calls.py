"""Calls in DynamoDB: a change is one transaction, or nothing.

                    version = the one read ──no──▶ RaceLost            (R1: the flow's waits step it too)
    save ──▶        HEARD is new           ──no──▶ EventAlreadyProcessed   (R12)
                    CDR is new             ──no──▶ CdrAlreadyWritten   (R10)
                    facts are new, the slot is given back

Rows and keys: `call_rows.py`.
"""

import json
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.aws import code_of, from_item, outside, to_item, to_value
from duologue.adapters.call_rows import call_of, cdr_row, fact_of, fact_row, history_of, row_of
from duologue.adapters.dynamo_acceptance import DynamoAcceptance, Write
from duologue.call_control.facts import Fact
from duologue.call_control.history import Delivery, History
from duologue.domain.acceptance_limits import NO_LIMITS, AcceptanceLimits
from duologue.domain.call import Call
from duologue.domain.cdr import cdr_of
from duologue.domain.due import due_by
from duologue.domain.errors import (
    CallAlreadyAccepted,
    CdrAlreadyWritten,
    EventAlreadyProcessed,
    OutsideUnavailable,
    RaceLost,
    UnknownCall,
)
from duologue.domain.idempotency import IdempotencyKey
from duologue.usecases.ports import Change, ProcessedEvent, SavedCall

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CALL = "CALL"
OPEN_CALLS = "open-calls"
"""Sparse index: `open` and `close_by` are on a call until its account is closed; `domain/due.py` sets `close_by`."""
_NOT_NOW = {"None", "ThrottlingError", "ProvisionedThroughputExceeded"}
"""Reasons for which a transaction is cancelled that are nobody's fault; "None" stands for a write without one."""


class DynamoCalls:
    """Plays `usecases.ports.Calls`."""

    def __init__(self, client: "DynamoDBClient", calls: str, accounts: str, keep: timedelta) -> None:
        """`keep`: how long the items of a call stay after its acceptance."""
        self._client = client
        self._calls = calls
        self._acceptance = DynamoAcceptance(client, accounts)
        self._keep = keep

    def accept(
        self, call: Call, fact: Fact, *, slots: int, close_by: datetime, limits: AcceptanceLimits = NO_LIMITS
    ) -> None:
        row = row_of(call) | {"version": 1, "open": "open", "close_by": close_by.isoformat()}
        self._transact(
            *self._acceptance.writes(call, slots, limits),
            (self._put(call, CALL, row), CallAlreadyAccepted(call.id)),
            (self._put(call, _fact_key(1), fact_row(fact)), CallAlreadyAccepted(call.id)),
        )

    def load(self, call_id: str) -> SavedCall:
        with outside("calls table"):
            found = self._client.get_item(TableName=self._calls, Key=_key(call_id, CALL), ConsistentRead=True)
        return _saved(call_id, found.get("Item"))

    def load_for(self, call_id: str, network_call: str, sequence: int) -> tuple[SavedCall, ProcessedEvent | None]:
        heard_key = _processed_key(network_call, sequence)
        keys = [_key(call_id, CALL), _key(call_id, heard_key)]
        with outside("calls table"):
            found = self._client.batch_get_item(RequestItems={self._calls: {"Keys": keys, "ConsistentRead": True}})
        if found.get("UnprocessedKeys"):  # throttled
            raise OutsideUnavailable("calls table: UnprocessedKeys")
        items = {item["item"]["S"]: item for item in found["Responses"].get(self._calls, [])}
        saved = _saved(call_id, items.get(CALL))
        if heard_key not in items:
            return saved, None
        row = from_item(items[heard_key])
        return saved, ProcessedEvent(network_call, sequence, json.loads(row["answer"]), row.get("wakes"))

    def check_repeat(self, app_key: str, key: IdempotencyKey, now: datetime) -> None:
        self._acceptance.check_repeat(app_key, key, now)

    def withdraw(self, change: Change, limits: AcceptanceLimits) -> None:
        self._transact(*self._writes(change), *self._acceptance.undo(change.after, limits))

    def save(self, change: Change) -> None:
        self._transact(*self._writes(change))

    def _writes(self, change: Change) -> list[Write]:
        call = change.after
        writes: list[Write] = [(self._update(change), RaceLost(call.id))]
        if change.processed is not None:
            processed = change.processed
            row = {"answer": json.dumps(processed.answer)} | ({"wakes": processed.resumes} if processed.resumes else {})
            key = _processed_key(processed.network_call, processed.sequence)
            writes.append((self._put(call, key, row), EventAlreadyProcessed(call.id)))
        elif change.resumes is not None:
            key = f"WOKEN#{change.before.version:06d}"
            writes.append((self._put(call, key, {"wakes": change.resumes}), RaceLost(call.id)))
        if change.finalizes:
            writes.append((self._put(call, "CDR", cdr_row(cdr_of(call))), CdrAlreadyWritten(call.id)))
            writes.append((self._acceptance.free_slot(call.app, call.id), RaceLost(call.id)))
        first = call.facts - len(change.facts) + 1
        for sequence, fact in enumerate(change.facts, first):
            writes.append((self._put(call, _fact_key(sequence), fact_row(fact)), RaceLost(call.id)))
        return writes

    def fact(self, call_id: str, sequence: int) -> Fact:
        with outside("calls table"):
            key = _key(call_id, _fact_key(sequence))
            found = self._client.get_item(TableName=self._calls, Key=key, ConsistentRead=True)
        if "Item" not in found:
            raise UnknownCall(call_id)
        return fact_of(from_item(found["Item"]))

    def history(self, call_id: str) -> History:
        rows: dict[str, dict[str, Any]] = {}
        wanted: dict[str, Any] = {
            "KeyConditionExpression": "#call = :call",
            "ExpressionAttributeNames": {"#call": "call"},
            "ExpressionAttributeValues": {":call": {"S": call_id}},
            "ConsistentRead": True,
        }
        while wanted:
            with outside("calls table"):
                page = self._client.query(TableName=self._calls, **wanted)
            rows |= {item["item"]["S"]: from_item(item) for item in page["Items"]}
            last = page.get("LastEvaluatedKey")  # one page holds 1 MB; a call is some tens of KB
            wanted = wanted | {"ExclusiveStartKey": last} if last else {}
        if CALL not in rows:
            raise UnknownCall(call_id)
        return history_of(call_id, rows)

    def overdue(self, now: datetime, limit: int) -> Sequence[str]:
        with outside("calls table"):
            found = self._client.query(
                TableName=self._calls,
                IndexName=OPEN_CALLS,
                KeyConditionExpression="#open = :open AND close_by <= :now",
                ExpressionAttributeNames={"#open": "open"},
                ExpressionAttributeValues={":open": {"S": "open"}, ":now": {"S": now.isoformat()}},
                Limit=limit,
            )
        return [item["call"]["S"] for item in found["Items"]]

    def in_use(self, app_key: str) -> int:
        return self._acceptance.in_use(app_key)

    def held_slots(self) -> Mapping[str, Set[str]]:
        return self._acceptance.held_slots()

    def open_calls(self) -> Set[str]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._calls,
            IndexName=OPEN_CALLS,
            KeyConditionExpression="#open = :open",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues={":open": {"S": "open"}},
        )
        with outside("calls table"):
            return {item["call"]["S"] for page in pages for item in page["Items"]}

    def free_slot(self, app_key: str, call_id: str) -> bool:
        """In one transaction with the look at the call, so that no call which begins meanwhile loses its slot."""
        look = {
            "TableName": self._calls,
            "Key": _key(call_id, CALL),
            "ConditionExpression": "attribute_not_exists(#open)",
            "ExpressionAttributeNames": {"#open": "open"},
        }
        freed = self._acceptance.free_slot(app_key, call_id)
        try:
            self._transact(({"ConditionCheck": look}, RaceLost(call_id)), (freed, RaceLost(call_id)))
        except RaceLost:
            return False
        return True

    def is_acknowledged(self, call_id: str, sequence: int) -> bool:
        with outside("calls table"):
            key = _key(call_id, _delivery_key(sequence))
            found = self._client.get_item(TableName=self._calls, Key=key, ConsistentRead=True)
        return bool(from_item(found.get("Item", {})).get("taken", False))

    def record_delivery(self, call_id: str, sequence: int, delivery: Delivery) -> None:
        row = {
            "attempt": delivery.attempt,
            "at": delivery.at.isoformat(),
            "url": delivery.url,
            "taken": delivery.acknowledged,
            "status": delivery.status if delivery.status is not None else 0,
            "note": delivery.note,
            "expires_at": int((delivery.at + self._keep).timestamp()),
        }
        try:
            with outside("calls table"):
                self._client.put_item(
                    TableName=self._calls,
                    Item=_key(call_id, _delivery_key(sequence)) | to_item(row),
                    ConditionExpression="attribute_not_exists(taken) OR taken = :no",
                    ExpressionAttributeValues={":no": {"BOOL": False}},
                )
        except ClientError as error:  # a late failure of an earlier attempt changes nothing: the SP has it
            if code_of(error) != "ConditionalCheckFailedException":
                raise

    def _update(self, change: Change) -> dict[str, Any]:
        """Set what changed and nothing else: the flow writes attributes of its own on the same row."""
        before, after = (
            row_of(call) | {"close_by": due_by(call).isoformat()} for call in (change.before.call, change.after)
        )
        sets = {name: value for name, value in after.items() if before.get(name) != value}
        if change.finalizes:
            sets.pop("close_by", None)
        removes = sorted(before.keys() - after.keys())
        removes += ["listener"] if change.resumes is not None else []
        removes += ["open", "close_by"] if change.finalizes else []
        names = {f"#{i}": name for i, name in enumerate([*sets, *removes])}
        assigned = "".join(f", #{i} = :{i}" for i in range(len(sets)))
        removed = ", ".join(f"#{i}" for i in range(len(sets), len(names)))
        values = {f":{i}": to_value(value) for i, value in enumerate(sets.values())}
        version = {":before": to_value(change.before.version), ":next": to_value(change.before.version + 1)}
        update = {
            "TableName": self._calls,
            "Key": _key(change.after.id, CALL),
            "UpdateExpression": f"SET version = :next{assigned}" + (f" REMOVE {removed}" if removed else ""),
            "ConditionExpression": "version = :before",
            "ExpressionAttributeValues": values | version,
        }
        return {"Update": update | ({"ExpressionAttributeNames": names} if names else {})}

    def _put(self, call: Call, item: str, row: dict[str, Any]) -> dict[str, Any]:
        expires = int((call.accepted_at + self._keep).timestamp())
        whole = _key(call.id, item) | to_item(row) | to_item({"expires_at": expires})
        return {
            "Put": {
                "TableName": self._calls,
                "Item": whole,
                "ConditionExpression": "attribute_not_exists(#item)",
                "ExpressionAttributeNames": {"#item": "item"},
            }
        }

    def _transact(self, *writes: Write) -> None:
        """Write all or nothing. Each write comes with what it means if its condition fails; the first such tells."""
        try:
            with outside("calls table"):
                self._client.transact_write_items(TransactItems=[write for write, _ in writes])  # type: ignore[misc]
        except ClientError as error:
            if code_of(error) != "TransactionCanceledException":
                raise
            reasons = [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])]
            for reason, (_, meaning) in zip(reasons, writes, strict=False):
                if reason == "ConditionalCheckFailed":
                    raise meaning from error
            if "TransactionConflict" in reasons:
                raise RaceLost("another transaction holds the call, or its app's slots") from error
            if set(reasons) <= _NOT_NOW:
                raise OutsideUnavailable(f"calls table: {', '.join(sorted(set(reasons)))}") from error
            raise


def _saved(call_id: str, item: Any) -> SavedCall:
    if item is None:
        raise UnknownCall(call_id)
    row = from_item(item)
    return SavedCall(call_of(call_id, row), row["version"], row.get("listener"))


def _key(call_id: str, item: str) -> dict[str, Any]:
    return to_item({"call": call_id, "item": item})


def _fact_key(sequence: int) -> str:
    return f"FACT#{sequence:06d}"


def _processed_key(network_call: str, sequence: int) -> str:
    return f"HEARD#{network_call}#{sequence:06d}"


def _delivery_key(sequence: int) -> str:
    return f"TOLD#{sequence:06d}"
