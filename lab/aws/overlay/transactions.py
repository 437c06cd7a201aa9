"""What a DynamoDB transaction does to other requests, and to the order of the stream.

AWS: a write of an item that a transaction is working on is refused, TransactionConflictException; a transaction that
meets another one on an item is cancelled with the reason TransactionConflict. A read of the item is not refused,
except in a transaction.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html

AWS: the stream has the changes of each item in their order; of the changes of different items in one transaction
nothing is promised, and they do come in another order, even within one partition.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
https://github.com/MiguelAlho/DynamoDb_TransactWriteItem_OutOfOrder

MiniStack: carries out one request after the other, so that no two ever meet, and writes the changes of a transaction to
the stream in the order of its list.
"""

from __future__ import annotations

import json
from asyncio import sleep
from collections import Counter
from contextvars import ContextVar
from typing import Any

from lab.aws import switches
from lab.aws.fault_plan import PLAN
from lab.aws.ministack import ministack
from lab.aws.overlay import throttling
from lab.aws.overlay.throttling import Answer, CarryOut, cancelled, error

Part = tuple[dict[str, Any], dict[str, Any]]
"""A table, and the attributes of an item in it: its key or, for a put, all."""
Item = tuple[str, str]
"""A table, and an item's key in it."""

_SINGLE = {"PutItem", "UpdateItem", "DeleteItem"}
_TRANSACTIONS = {"TransactWriteItems", "TransactGetItems"}
_CONFLICT = "Transaction is ongoing for the item"
_HOT = "The level of configured provisioned throughput for the table or for one or more indexes was exceeded."
_NO_TABLE: dict[str, Any] = {"TableName": "", "pk_name": None, "sk_name": None, "items": {}}
_held: Counter[Item] = Counter()
_changes: ContextVar[list[tuple[Any, ...]] | None] = ContextVar("changes_of_the_transaction", default=None)


async def carried_out(operation: str, body: bytes, carry_out: CarryOut) -> Answer:
    """Carry out a request to DynamoDB, or refuse it: a transaction holds one of its items, or a partition is full."""
    chosen = switches.cloud()
    if operation not in _SINGLE | _TRANSACTIONS or not (chosen.transaction_ms or chosen.partition_writes):
        return await carry_out(body)
    parts = _parts(operation, json.loads(body))
    full = throttling.hot(parts) if operation != "TransactGetItems" else []
    if any(full):
        if operation in _SINGLE:
            return error("ProvisionedThroughputExceededException", _HOT)
        return cancelled(["ProvisionedThroughputExceeded" if each else "None" for each in full], _HOT)
    items = [_identity(*part) for part in parts]
    busy = [item in _held for item in items]
    if any(busy):
        PLAN.count("transaction_ms")
        if operation in _SINGLE:
            return error("TransactionConflictException", _CONFLICT)
        return cancelled(["TransactionConflict" if each else "None" for each in busy], _CONFLICT)
    if operation in _SINGLE or not chosen.transaction_ms:
        return await carry_out(body)
    _held.update(items)
    try:
        await sleep(chosen.transaction_ms / 1000)
        return await carry_out(body)
    finally:
        for item in items:
            _held[item] -= 1
            if not _held[item]:
                del _held[item]


def _parts(operation: str, request: dict[str, Any]) -> list[Part]:
    """Each item of the request, and its table."""
    if operation in _SINGLE:
        parts = [request]
    else:
        parts = [part for entry in request.get("TransactItems", []) for part in entry.values()]
    tables = ministack("services.dynamodb")._tables
    return [
        (tables.get(str(part.get("TableName"))) or _NO_TABLE, part.get("Key") or part.get("Item") or {})
        for part in parts
    ]


def _identity(table: dict[str, Any], attributes: dict[str, Any]) -> Item:
    names = [table["pk_name"], table["sk_name"]]
    return table["TableName"], json.dumps([attributes.get(each) for each in names], sort_keys=True)


def _in_any_order(stock: Any) -> Any:
    """The transaction as a whole: its changes are written to the streams at its end, in the chosen order."""

    def transact(request: dict[str, Any]) -> Any:
        if switches.cloud().stream_order == "as_written":
            return stock(request)
        changes: list[tuple[Any, ...]] = []
        collecting = _changes.set(changes)
        try:
            answer = stock(request)
        finally:
            _changes.reset(collecting)
        if len(changes) > 1:
            PLAN.chance("stream_order", "transaction").shuffle(changes)
            PLAN.count("stream_order")
        for change in changes:
            ministack("services.dynamodb")._emit_stream_event(*change)
        return answer

    return transact


def _collected(stock: Any) -> Any:
    def emit(*change: Any, **more: Any) -> None:
        changes = _changes.get()
        if changes is None or more:
            stock(*change, **more)
        else:
            changes.append(change)

    return emit


def apply() -> None:
    """Collect the changes of a transaction."""
    db = ministack("services.dynamodb")
    db._transact_write_items = _in_any_order(db._transact_write_items)
    db._emit_stream_event = _collected(db._emit_stream_event)
