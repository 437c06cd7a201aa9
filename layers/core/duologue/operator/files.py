"""Files of the operator with one entry in each line."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from duologue.domain.errors import InvalidField

T = TypeVar("T")


def read_lines(file: str, read: Callable[[str, str], T]) -> list[T]:
    """What `read` makes of each line: of its first field, and of the rest after its comma. A line of # is a comment.

    Raises:
        InvalidField: the file cannot be read or has no entry, or `read` raises it, for the line that is named.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()  # spreadsheets write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidField("file", f"{file} cannot be read: {error}") from error
    entries = []
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        text, _, rest = line.partition(",")
        try:
            entries.append(read(text.strip(), rest.strip()))
        except InvalidField as error:
            raise InvalidField(f"line {number}:", f"{line}: {error}") from error
    if not entries:
        raise InvalidField("file", f"{file} has no entry")
    return entries
