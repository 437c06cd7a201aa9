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

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import Any

from lab.aws import switches
from lab.aws.fault_plan import PLAN
from lab.aws.ministack import ministack

Answer = tuple[int, dict[str, str], bytes]
Item = tuple[str, str]
"""A table, and an item's key in it."""

_SINGLE = {"PutItem", "UpdateItem", "DeleteItem"}
_TRANSACTIONS = {"TransactWriteItems", "TransactGetItems"}
_CONFLICT = "TransactionConflict"
_held: Counter[Item] = Counter()
_changes: ContextVar[list[tuple[Any, ...]] | None] = ContextVar("changes_of_the_transaction", default=None)


async def carried_out(operation: str, body: bytes, carry_out: Callable[[], Awaitable[Answer]]) -> Answer:
    """Carry out a request to DynamoDB, or refuse it because of a transaction that holds one of its items."""
    seconds = switches.cloud().transaction_ms / 1000
    if seconds <= 0 or operation not in _SINGLE | _TRANSACTIONS:
        return await carry_out()
    items = list(_items(operation, json.loads(body)))
    busy = [item in _held for item in items]
    if any(busy):
        PLAN.count("transaction_ms")
        return _cancelled(busy) if operation in _TRANSACTIONS else _refused()
    if operation in _SINGLE:
        return await carry_out()
    _held.update(items)
    try:
        await asyncio.sleep(seconds)
        return await carry_out()
    finally:
        for item in items:
            _held[item] -= 1
            if not _held[item]:
                del _held[item]


def _items(operation: str, request: dict[str, Any]) -> Iterator[Item]:
    if operation in _SINGLE:
        yield _item(request)
    for entry in request.get("TransactItems", []):
        yield from (_item(part) for part in entry.values())


def _item(part: dict[str, Any]) -> Item:
    name = str(part.get("TableName"))
    table = ministack("services.dynamodb")._tables.get(name) or {}
    attributes = part.get("Key") or part.get("Item") or {}
    names = [table.get("pk_name"), table.get("sk_name")]
    return name, json.dumps([attributes.get(each) for each in names], sort_keys=True)


def _refused() -> Answer:
    return _error("TransactionConflictException", "Transaction is ongoing for the item")


def _cancelled(busy: list[bool]) -> Answer:
    conflict = {"Code": _CONFLICT, "Message": "Transaction is ongoing for the item"}
    reasons = [conflict if each else {"Code": "None"} for each in busy]
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return _error("TransactionCanceledException", message, CancellationReasons=reasons)


def _error(code: str, message: str, **more: Any) -> Answer:
    content = json.dumps({"__type": code, "message": message, **more}).encode()
    return 400, {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": code}, content


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
