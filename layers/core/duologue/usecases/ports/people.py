"""What is stored about a person, found by the telephone number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from duologue.domain.calls.outcome import Party
from duologue.domain.numbers.phone_number import PhoneNumber


@dataclass(frozen=True, slots=True)
class CallOfPerson:
    """`party`: which side of the call the person was."""

    call_id: str
    party: Party


class People(Protocol):
    """The calls of a number, of all SPs."""

    def calls_of(self, number: PhoneNumber) -> Sequence[CallOfPerson]:
        """Oldest first; eventually consistent: a call of the last second may be missing."""

    def delete(self, call: CallOfPerson) -> None:
        """Delete all items of a call. Until the last is gone, `calls_of` finds it again."""
