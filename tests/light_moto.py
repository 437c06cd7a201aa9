"""moto's DynamoDB without what costs most of its time.

moto keeps a list of every item and table that was ever made, copies too, for a page of its server; here, none. To undo
a transaction it copies the table of each entry, whole and each time; here, each table once, and of its items those that
an update may change in place: a put or a deletion replaces or removes an item.
"""

import copy
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from moto.core.common_models import BaseModel
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

_STOCK = DynamoDBBackend.transact_write_items


@dataclass
class _Transaction:
    changed: set[int]
    """The items, by their `id`, that it may change in place."""

    copies: dict[int, Table] = field(default_factory=dict)


_running: ContextVar[_Transaction | None] = ContextVar("_running", default=None)


def _changed(backend: DynamoDBBackend, entries: list[dict[str, Any]]) -> Iterator[int]:
    for update in (entry["Update"] for entry in entries if "Update" in entry):
        if update["TableName"] in backend.tables:
            yield id(backend.get_item(update["TableName"], update["Key"]))


def _transact(backend: DynamoDBBackend, entries: list[dict[str, Any]]) -> None:
    token = _running.set(_Transaction(set(_changed(backend, entries))))
    try:
        _STOCK(backend, entries)
    finally:
        _running.reset(token)


def _copied(table: Table, memo: dict[int, Any]) -> Table:
    transaction = _running.get() or _Transaction({id(item) for item in _items(table)})
    if id(table) not in transaction.copies:
        memo |= {id(item): item for item in _items(table) if id(item) not in transaction.changed}
        memo[id(table)] = transaction.copies[id(table)] = copied = object.__new__(type(table))
        vars(copied).update(copy.deepcopy(vars(table), memo))
    return transaction.copies[id(table)]


def _items(table: Table) -> Iterator[Any]:
    for found in table.items.values():
        yield from found.values() if table.has_range_key else [found]


def lighten() -> None:
    """From now on, in this process."""
    setattr(BaseModel, "__new__", lambda cls, *_, **__: object.__new__(cls))  # noqa: B010
    setattr(Table, "__deepcopy__", _copied)  # noqa: B010
    setattr(DynamoDBBackend, "transact_write_items", _transact)  # noqa: B010
