"""What the archive of CDRs holds (usecases/ports/cdr_archive.py)."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ArchivedCdr:
    """`line`: as it is archived. `ended`: text that sorts by the time of the end."""

    line: str
    session: str
    sp: str
    ended: str


@dataclass(frozen=True, slots=True)
class CdrPage:
    """`after`: gives the next page; None: there is no more at present."""

    lines: tuple[str, ...]
    after: str | None


@dataclass(frozen=True, slots=True, order=True)
class ArchiveFile:
    """What one `store` has archived. `name`: sorts by the time of that."""

    app: str
    day: date
    name: str
