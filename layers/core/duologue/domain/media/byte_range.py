"""The Range header (RFC 9110 §14): which bytes of a representation a request asks for."""

import re
from dataclasses import dataclass
from enum import Enum

_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From `first` to `last`, both included; at least one byte."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Enum):
    """No byte of the range exists."""

    UNSATISFIABLE = 0


UNSATISFIABLE = Unsatisfiable.UNSATISFIABLE


def asked_range(value: str | None, size: int) -> ByteRange | Unsatisfiable | None:
    """The bytes that a header's value asks for, of `size`. None: all of them.

    A value that cannot be parsed, has another unit or several ranges is ignored, as §14.2 allows.
    """
    match = _ONE.fullmatch((value or "").replace(" ", "").replace("\t", ""))
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":  # the last so many bytes
        length = min(int(match[2]), size)
        return ByteRange(size - length, size - 1) if length else UNSATISFIABLE
    first, last = int(match[1]), int(match[2] or size)
    if last < first and match[2] != "":
        return None
    return ByteRange(first, min(last, size - 1)) if first < size else UNSATISFIABLE
