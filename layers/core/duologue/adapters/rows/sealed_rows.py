"""What the calls table holds about people, sealed at rest: a dump of the table shows no party's number.

| item       | sealed                                                                                       |
| ---------- | -------------------------------------------------------------------------------------------- |
| ASKED      | both parties' numbers, `user_data`, and the URLs of the request, which may hold either       |
| EVENT#…    | `answer`: it names the number to be dialled                                                  |
| DELIVERY#… | `attempts`: what the SP's server replied                                                     |

These attributes are one value, `sealed` (kms_data_keys.py), bound to the call and the item. Display numbers and the
bind number stay readable: they are the SP's own, and public. Rows of the release before have the attributes in the
clear, and are read as they are.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from duologue.adapters.basics.aws import from_item
from duologue.adapters.basics.kms_data_keys import Seal
from duologue.domain.numbers.phone_number import UNREAD

Row = dict[str, Any]

PERSONAL = frozenset({"caller_number", "callee_number", "user_data", "status_url", "fee_url", "answer", "attempts"})
SEALED = "sealed"


class RowSeal(Protocol):
    """`closed` before a row is written, `opened` after it was read. `hash_of` a number: 22 characters."""

    def closed(self, call_id: str, item: str, row: Row) -> Row: ...

    def opened(self, call_id: str, item: str, row: Row) -> Row: ...

    def hash_of(self, number: str) -> str: ...


class SealedRows:
    """Implements `RowSeal`."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def closed(self, call_id: str, item: str, row: Row) -> Row:
        """Raises OutsideUnavailable."""
        personal = {name: value for name, value in row.items() if name in PERSONAL}
        if not personal:
            return row
        plain = json.dumps(personal, ensure_ascii=False, separators=(",", ":")).encode()
        public = {name: value for name, value in row.items() if name not in PERSONAL}
        return public | {SEALED: self._seal.close(plain, _place(call_id, item))}

    def opened(self, call_id: str, item: str, row: Row) -> Row:
        """Raises SealBroken, OutsideUnavailable."""
        if SEALED not in row:
            return row
        opened: Row = json.loads(self._seal.open(row[SEALED], _place(call_id, item)))
        return row | opened

    def hash_of(self, number: str) -> str:
        """Raises OutsideUnavailable."""
        return self._seal.short_hash(f"person {number}")


class UnopenedRows:
    """Implements `RowSeal` for functions that need no number: they have no key, and read UNREAD instead."""

    def closed(self, _call_id: str, item: str, row: Row) -> Row:
        assert not PERSONAL & row.keys(), item
        return row

    def opened(self, _call_id: str, _item: str, row: Row) -> Row:
        unread = {"caller_number": UNREAD.e164, "callee_number": UNREAD.e164, "attempts": "[]", "answer": ""}
        return unread | row if SEALED in row else row

    def hash_of(self, _number: str) -> str:
        raise AssertionError("a function without a key lists no call")


def opened_item(seal: RowSeal, item: Mapping[str, Any]) -> Row:
    """The plain values of an item of the calls table. Raises SealBroken, OutsideUnavailable."""
    row = from_item(item)
    return seal.opened(row["call"], row["item"], row)


def _place(call_id: str, item: str) -> str:
    return f"row {call_id} {item}"
