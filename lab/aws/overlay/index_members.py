"""Which items an index of a table has.

AWS keeps an index on disk, as it does items. MiniStack keeps a pair of strings for each item of each index, for as long
as the lab runs: 2 KB for a callback, most of them sort keys of items that are compressed (cold_partitions.py). Here an
index has the partitions of the table that have items in it, and finds those among the partition's when it is read.
Nothing else differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.aws.ministack import ministack
from lab.aws.overlay.cold_partitions import WRITES

Key = tuple[str, str]
"""An item's partition and sort key."""


class Members:
    """The items of one partition of an index, with what MiniStack does with them: as a dictionary with them as keys."""

    __slots__ = ("_counts", "_index", "_partition")

    def __init__(self, index: Index, partition: Any) -> None:
        self._index, self._partition = index, partition
        self._counts: dict[str, int] = {}  # of the table's partitions

    def __setitem__(self, key: Key, _: None) -> None:
        self._counts[key[0]] = self._counts.get(key[0], 0) + 1

    def pop(self, key: Key, _: None) -> None:
        left = self._counts.get(key[0], 0) - 1
        if left > 0:
            self._counts[key[0]] = left  # in one step: requests read while another thread deletes what has expired
        else:
            self._counts.pop(key[0], None)

    def __len__(self) -> int:
        return len(self._counts)

    def __iter__(self) -> Iterator[Key]:
        for base in list(self._counts):
            for sort in self._index.found(base, self._partition):
                yield base, sort


class Index(dict[Any, Members]):
    """Partition of the index → its items."""

    __slots__ = ("_keys", "_partition_of", "_table")

    def __init__(self, table: dict[str, Any], *keys: list[str]) -> None:
        """`keys`: the names of its HASH attributes, and of its RANGE attributes."""
        super().__init__()
        self._table, self._keys = table, keys
        self._partition_of = ministack("services.dynamodb")._index_partition  # None: the item is not in the index
        for base, items in list(table["items"].items()):
            for sort, item in list(items.items()):
                partition = self._partition_of(item, *keys)
                if partition is not None:
                    self.setdefault(partition)[base, sort] = None

    def setdefault(self, partition: Any, _: Any = None) -> Members:
        if partition not in self:
            self[partition] = Members(self, partition)
        return self[partition]

    def found(self, base: str, partition: Any) -> list[str]:
        """The sort keys of a partition of the table whose items are in a partition of the index."""
        items = self._table["items"].get(base) or {}
        return [sort for sort, item in list(items.items()) if self._partition_of(item, *self._keys) == partition]


def _index_members(table: dict[str, Any]) -> dict[str, Index]:
    db = ministack("services.dynamodb")
    members: dict[str, Index] | None = table.get(db._INDEX_MEMBERS)
    if members is None:
        with WRITES:
            members = {name: Index(table, *keys) for name, *keys in db._index_key_schemas(table)}
            table[db._INDEX_MEMBERS] = members
    return members


def apply() -> None:
    """Make indexes of this kind."""
    ministack("services.dynamodb")._index_members = _index_members
