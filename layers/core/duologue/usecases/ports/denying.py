"""The lists of numbers that are not dialled, and what dialling costs. A module of its own: few functions need it."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from duologue.domain.accounting.rates import Rates
from duologue.domain.numbers.deny_list import Denials, Entries
from duologue.domain.numbers.phone_number import PhoneNumber


class DenyLists(Protocol):
    """Numbers that are not dialled although the plan allows it."""

    def of(self, numbers: Collection[PhoneNumber]) -> Denials:
        """What is listed about some numbers, by one read: strongly consistent, but patterns up to ten seconds old.

        Raises OutsideUnavailable: storage or the key service is unavailable.
        """


@dataclass(frozen=True, slots=True)
class DoNotCall:
    """A number on the do-not-call list, of which only the masked form can be read."""

    masked: str
    since: datetime
    why: str


class DenyBook(DenyLists, Protocol):
    """The lists as the operator manages them."""

    def entries(self) -> Entries:
        """The platform's, without the known traps."""

    def change_entries(self, change: Callable[[Entries], Entries]) -> Entries:
        """Apply `change`, save and return them. `change` is called again after a lost race."""

    def do_not_call(self, number: PhoneNumber, since: datetime, why: str) -> None:
        """Put a number on the do-not-call list; one that is on it keeps `since`, and its reason if `why` is empty."""

    def may_call(self, number: PhoneNumber) -> bool:
        """Take a number off the list. False: it was not on it."""

    def on_do_not_call(self) -> Iterable[DoNotCall]:
        """All of them, in no order. Reads the whole table."""


class RateBook(Protocol):
    """Estimated rates, by prefix."""

    def rates(self) -> Rates:
        """The operator's, or else those that the platform comes with; up to a minute old.

        Raises OutsideUnavailable.
        """

    def set_rates(self, rates: Rates) -> None:
        """Replace all of them."""

    def forget_rates(self) -> None:
        """Use those that the platform comes with again."""
