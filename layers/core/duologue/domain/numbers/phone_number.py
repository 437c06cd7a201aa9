"""A telephone number: E.164 with the plus sign. It prints masked, so that logs do not leak it."""

import re
from dataclasses import dataclass

from duologue.domain.errors import InvalidNumber

# ITU-T E.164 §6: at most 15 digits, the first not 0. Three is the shortest that the wire format allows.
_E164 = re.compile(r"\+[1-9][0-9]{2,14}")


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """`e164` is the full number; `str()` and `repr()` mask it."""

    e164: str

    @classmethod
    def parse(cls, text: str, *, field: str = "number") -> "PhoneNumber":
        """Parse a number.

        Raises:
            InvalidNumber: not a plus sign and 3 to 15 digits, the first not 0; names `field`.
        """
        if not _E164.fullmatch(text):
            raise InvalidNumber(
                field, "must be E.164: a plus sign, then 3 to 15 digits 0-9, the first not 0, no spaces"
            )
        return cls(text)

    def __str__(self) -> str:
        hidden = max(0, len(self.e164) - 6)
        return self.e164[:4] + "*" * hidden + self.e164[-2:]

    def __repr__(self) -> str:
        return f"PhoneNumber({self})"


WITHHELD = PhoneNumber("anonymous")
"""In place of the number of a caller who withholds it, or whose network sends none in E.164. It is never dialled."""
UNREAD = PhoneNumber("sealed")
"""In place of a party's number in processes that have no key to it. It is never dialled or written."""
