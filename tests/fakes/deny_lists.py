"""The deny lists without a store."""

from collections.abc import Callable, Collection
from typing import Any

from duologue.domain.numbers.deny_list import Denials, Entry, Verdict
from duologue.domain.numbers.phone_number import PhoneNumber


class FakeDenyLists:
    """Plays `DenyLists`. `is_shown`: whether a number is a display number."""

    def __init__(self, is_shown: Callable[[PhoneNumber], bool] = lambda _: False) -> None:
        self.entries: dict[str, Entry] = {}
        self.numbers: set[PhoneNumber] = set()
        self.reads: list[Any] = []
        self._is_shown = is_shown

    def deny(self, *patterns: str) -> None:
        self.entries |= dict.fromkeys(patterns, Entry(Verdict.DENY))

    def of(self, numbers: Collection[PhoneNumber]) -> Denials:
        self.reads.append(numbers)
        shown = frozenset(filter(self._is_shown, numbers))
        return Denials(dict(self.entries), self.numbers.intersection(numbers), shown)
