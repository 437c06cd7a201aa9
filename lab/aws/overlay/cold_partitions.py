"""Partitions of tables that were not written for long are kept compressed.

AWS keeps items on disk. MiniStack keeps each attribute as a dictionary of its own: the items of one callback, 10 KB as
JSON, take 30 KB of memory or more, for as long as the lab runs. Compressed they take 3 KB. Nothing else differs.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from lab.aws.ministack import ministack

WARM = 100
"""Partitions that stay as they are: those written last, of all tables together."""
LEAST = 5
"""Items; a smaller partition is not worth it."""

_written: dict[tuple[str, str], dict[str, Any]] = {}
"""(table, partition), in the order of their last writes → the table."""
WRITES = threading.RLock()
"""Held while an item is written or deleted: by requests, and by the thread that deletes what has expired."""
_latest: tuple[ColdPartition | None, dict[str, Any]] = (None, {})
"""The partition that was read last, and its items."""


class ColdPartition(dict[str, Any]):
    """A partition, sort key → item. Reading gives copies, since MiniStack changes an item only by storing another; the
    first change makes it an ordinary one again. What looks past these methods, as `json` does, finds it empty: give it
    `dict(partition)`.
    """

    def __init__(self, items: dict[str, Any]) -> None:
        super().__init__()
        self._packed: bytes | None = zlib.compress(json.dumps(items).encode())
        self._count = len(items)

    def _items(self) -> dict[str, Any]:
        global _latest
        packed = self._packed  # once, since another thread may change it
        if packed is None:
            return dict(super().items())
        found, items = _latest
        if found is not self:
            items = json.loads(zlib.decompress(packed))
            _latest = self, items
        return items

    def _warm(self) -> None:
        if self._packed is not None:
            super().update(self._items())
            self._packed = None  # last: until then, other threads read what is compressed

    def __len__(self) -> int:
        return super().__len__() if self._packed is None else self._count

    def __iter__(self) -> Iterator[str]:
        return iter(self._items())

    def __contains__(self, key: object) -> bool:
        return key in self._items()

    def __getitem__(self, key: str) -> Any:
        return self._items()[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self._items().get(key, default)

    def keys(self) -> KeysView[str]:  # type: ignore[override]  # dict's own views look into the empty dictionary
        return self._items().keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]  # as keys
        return self._items().values()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]  # as keys
        return self._items().items()

    def __setitem__(self, key: str, item: Any) -> None:
        self._warm()
        super().__setitem__(key, item)

    def __delitem__(self, key: str) -> None:
        self._warm()
        super().__delitem__(key)

    def pop(self, key: str, *default: Any) -> Any:
        self._warm()
        return super().pop(key, *default)

    def __eq__(self, other: object) -> bool:
        return self._items() == other

    __hash__ = None

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        items: dict[str, Any] = json.loads(json.dumps(self._items()))
        return items


def _set_item(stock: Any) -> Any:
    def set_item(table: dict[str, Any], partition: str, sort: str, item: dict[str, Any]) -> Any:
        with WRITES:
            old = stock(table, partition, sort, item)
            key = table["TableName"], partition
            _written.pop(key, None)
            _written[key] = table
            while len(_written) > WARM:
                oldest = next(iter(_written))
                _cool(_written.pop(oldest)["items"], oldest[1])
        return old

    return set_item


def _cool(partitions: dict[str, dict[str, Any]], partition: str) -> None:
    items = partitions.get(partition)
    if items and len(items) >= LEAST:
        partitions[partition] = ColdPartition(dict(items.items()))


def _remove_item(stock: Any) -> Any:
    def remove_item(table: dict[str, Any], partition: str, sort: str) -> Any:
        with WRITES:
            return stock(table, partition, sort)

    return remove_item


def reset() -> None:
    """Another cloud begins."""
    global _latest
    _written.clear()
    _latest = (None, {})


def apply() -> None:
    """Watch every write of an item, and every deletion."""
    db = ministack("services.dynamodb")
    db._set_item = _set_item(db._set_item)
    db._remove_item = _remove_item(db._remove_item)
