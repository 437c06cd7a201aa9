"""What DynamoDB charges for a request, by the sizes of the items: AWS's own arithmetic.

A write costs a unit for each KB begun of its item, before or after it, whichever is larger; twice that in a
transaction; and for each index whose entry changes, what that entry costs. A read costs a unit for each 4 KB begun,
half of it if it may be stale, twice in a transaction. An item that is not there is charged like the smallest; a write
whose condition failed, like one that was done.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
"""As it is on the wire: {"call": {"S": "…"}, …}; bytes also as they are."""
KB = 1024


def item_bytes(item: Item) -> int:
    """The names and the values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_bytes(content)
        case "B":
            return len(content if isinstance(content, bytes) else base64.b64decode(content))
        case "SS" | "NS" | "BS":
            return sum(_value_bytes({kind[0]: each}) for each in content)
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(each) for name, each in content.items())
    return 1  # BOOL and NULL


def _number_bytes(number: str) -> int:
    """A byte for two significant digits, one more, and one for a minus."""
    digits = number.lstrip("-").replace(".", "").strip("0")
    return 1 + (len(digits) + 1) // 2 + number.startswith("-")


def write_units(before: Item | None, after: Item | None, *, transactional: bool = False) -> int:
    """Of one item, without its indexes."""
    largest = max(item_bytes(item) if item else 0 for item in (before, after))
    return _begun(largest, KB) * (2 if transactional else 1)


def index_units(keys: Iterable[str], projected: Iterable[str] | None, before: Item | None, after: Item | None) -> int:
    """Of one index. `keys`: the names of its own key; `projected`: all that an entry has, None: the whole item.

    A transaction does not double it: the index follows later.
    """
    names = list(keys)
    old, new = (_entry(item, names, projected) for item in (before, after))
    if old == new:
        return 0
    if old and new and [old[name] for name in names] == [new[name] for name in names]:
        return _begun(max(item_bytes(old), item_bytes(new)), KB)
    return sum(_begun(item_bytes(entry), KB) for entry in (old, new) if entry)


def _entry(item: Item | None, keys: list[str], projected: Iterable[str] | None) -> Item | None:
    if item is None or not all(name in item for name in keys):
        return None
    return item if projected is None else {name: item[name] for name in projected if name in item}


def read_units(size: int, *, consistent: bool = False, transactional: bool = False) -> float:
    """Of one item, or of all that a query read."""
    return _begun(size, 4 * KB) * (2.0 if transactional else 1.0 if consistent else 0.5)


def _begun(size: int, step: int) -> int:
    return max(1, -(-size // step))
