"""Items of tables that were not written for long are kept compressed.

AWS keeps items on disk. MiniStack keeps each attribute as a dictionary of its own: the items of one callback, 14 KB as
JSON, take 40 KB of memory or more, for as long as the lab runs. Compressed they take 5 KB, of which most is what the
product encrypted; the entry of a call in a list takes 40 bytes instead of 700. Nothing else differs.
"""

from __future__ import annotations

import json
import threading
import zlib
from bisect import bisect_left
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from lab.aws.ministack import ministack

WARM = 100
"""Partitions that stay as they are: those written last, of all tables together."""
LEAST = 5
"""Items; a smaller partition is not worth it."""
BLOCK = 50
"""Items that are compressed together, or up to twice as many. Of a list that is written all the time, at least the
latest 50 are not; a partition whose sort keys come in no order stays as it is while it is written.
"""

_written: dict[tuple[str, str], tuple[dict[str, Any], int]] = {}
"""(table, partition), in the order of their last writes → the table, and how many items came since the older ones were
last to be compressed.
"""
WRITES = threading.RLock()
"""Held while an item is written or deleted: by requests, and by the thread that deletes what has expired."""


class _Block(NamedTuple):
    """Compressed items, and the range of their sort keys."""

    first: str
    last: str
    items: int
    packed: bytes


_latest: tuple[_Block | None, dict[str, Any]] = (None, {})
"""The block that was read last, and its items."""


class ColdPartition(dict[str, Any]):
    """A partition, sort key → item, some or all of which are compressed. Reading those gives copies, since MiniStack
    changes an item only by storing another; a change of one makes all of its block ordinary items again. What looks
    past these methods, as `json` does, finds only the ordinary ones: give it `dict(partition.items())`.
    """

    __slots__ = ("_blocks",)

    def __init__(self, items: dict[str, Any]) -> None:
        super().__init__(items)
        self._blocks: tuple[_Block, ...] = ()  # replaced as a whole, so that a thread that reads sees that it was

    def pack(self, *, keep: int) -> None:
        """Compress all; or, if there are some to keep, all but about the `keep` latest, provided that sort keys come in
        order. `WRITES` is held.
        """
        end = self._older_end(keep) if keep else None
        if keep and end is None:
            return
        for block in self._blocks:
            if block.items < BLOCK:
                self._unpack(block)
        for key in list(super().keys()):
            for block in self._around(key):
                self._unpack(block)
        keys = sorted(key for key in dict.keys(self) if end is None or key < end)
        lasts = [block.last for block in self._blocks]
        for _, between in groupby(keys, lambda key: bisect_left(lasts, key)):  # so that no two blocks overlap
            self._pack(list(between))

    def _older_end(self, keep: int) -> str | None:
        """What ends the keys of the items that came before the `keep` latest. None: they are no block yet, or most of
        them are not less than the latest, so that keys come in no order.
        """
        last = max((block.last for block in self._blocks if block.items >= BLOCK), default="")
        added = [key for key in dict.keys(self) if key > last]
        earlier, end = added[:-keep], min(added[-keep:], default="")
        less = sum(key < end for key in earlier)
        return end if less >= max(BLOCK, len(earlier) // 2) else None

    def _pack(self, keys: list[str]) -> None:
        """Compress these, which are sorted, in blocks of `BLOCK` items; the last has the rest too."""
        begins = range(0, max(BLOCK, len(keys) - BLOCK + 1), BLOCK)
        for begin, end in zip(begins, [*begins[1:], len(keys)], strict=True):
            some = {key: dict.__getitem__(self, key) for key in keys[begin:end]}
            packed = zlib.compress(json.dumps(some).encode())
            self._blocks = tuple(sorted((*self._blocks, _Block(min(some), max(some), len(some), packed))))
            for key in some:  # last: until then, other threads find them here
                super().__delitem__(key)

    def packed(self) -> tuple[int, int]:
        """How many items are compressed, and their bytes."""
        return sum(block.items for block in self._blocks), sum(len(block.packed) for block in self._blocks)

    def _unpack(self, block: _Block) -> None:
        super().update(_items_of(block))
        self._blocks = tuple(each for each in self._blocks if each is not block)  # last, as in `pack`

    def _around(self, key: object) -> tuple[_Block, ...]:
        """The block that may have an item, if there is one: they are in the order of their keys, and do not overlap."""
        blocks = self._blocks
        if not isinstance(key, str):
            return ()
        at = bisect_left(blocks, key, key=attrgetter("last"))
        return blocks[at : at + 1] if at < len(blocks) and blocks[at].first <= key else ()

    def _unpack_at(self, key: str) -> None:
        for block in self._around(key):
            if key in _items_of(block):
                self._unpack(block)

    def _items(self) -> dict[str, Any]:
        while True:
            blocks = self._blocks
            items = {key: item for block in blocks for key, item in _items_of(block).items()}
            items.update(super().items())
            if blocks is self._blocks:
                return items

    def __len__(self) -> int:
        return super().__len__() + sum(block.items for block in self._blocks)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items())

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None

    def __getitem__(self, key: str) -> Any:
        item = self.get(key)
        if item is None:
            raise KeyError(key)
        return item

    def get(self, key: Any, default: Any = None) -> Any:
        while True:
            blocks = self._blocks
            item = super().get(key)
            for block in self._around(key) if item is None else ():
                item = item or _items_of(block).get(key)
            if item is not None or blocks is self._blocks:
                return default if item is None else item

    def keys(self) -> KeysView[str]:  # type: ignore[override]  # dict's own views look past what is compressed
        return self._items().keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]  # as keys
        return self._items().values()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]  # as keys
        return self._items().items()

    def __setitem__(self, key: str, item: Any) -> None:
        self._unpack_at(key)
        super().__setitem__(key, item)

    def __delitem__(self, key: str) -> None:
        self._unpack_at(key)
        super().__delitem__(key)

    def pop(self, key: str, *default: Any) -> Any:
        self._unpack_at(key)
        return super().pop(key, *default)

    def __eq__(self, other: object) -> bool:
        return self._items() == other

    def __ne__(self, other: object) -> bool:
        return self._items() != other

    def copy(self) -> dict[str, Any]:
        return self._items()

    __hash__ = None

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        items: dict[str, Any] = json.loads(json.dumps(self._items()))
        return items


def _items_of(block: _Block) -> dict[str, Any]:
    global _latest
    found, items = _latest
    if found is not block:
        items = json.loads(zlib.decompress(block.packed))
        _latest = block, items
    return items


def _set_item(stock: Any) -> Any:
    def set_item(table: dict[str, Any], partition: str, sort: str, item: dict[str, Any]) -> Any:
        with WRITES:
            old = stock(table, partition, sort, item)
            key = table["TableName"], partition
            came = _written.pop(key, (table, 0))[1] + (old is None)
            if came >= BLOCK and dict.__len__(table["items"][partition]) >= 2 * BLOCK:
                came = 0
                _cool(table["items"], partition, keep=BLOCK)
            _written[key] = table, came
            while len(_written) > WARM:
                oldest = next(iter(_written))
                _cool(_written.pop(oldest)[0]["items"], oldest[1], keep=0)
        return old

    return set_item


def _cool(partitions: dict[str, dict[str, Any]], partition: str, *, keep: int) -> None:
    items = partitions.get(partition)
    if items and len(items) >= LEAST:
        if not isinstance(items, ColdPartition):
            items = partitions[partition] = ColdPartition(items)
        items.pack(keep=keep)


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
