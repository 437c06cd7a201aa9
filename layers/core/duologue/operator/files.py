"""Files of the operator with one entry in each line."""

from pathlib import Path

from duologue.domain.errors import InvalidField


def lines_of(file: str) -> list[tuple[str, str]]:
    """The first field of each line, and the rest after its comma. A line of # is a comment. Raises InvalidField."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidField("file", f"{file} cannot be read: {error}") from error
    fields = (line.strip().partition(",") for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return [(text.strip(), why.strip()) for text, _, why in fields]
