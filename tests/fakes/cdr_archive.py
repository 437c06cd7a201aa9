"""The archive of CDRs in memory."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from duologue.domain.accounting.cdr_archive import ArchiveFile, CdrPage
from duologue.domain.errors import OutsideUnavailable


class FakeCdrArchive:
    """Plays `CdrArchive`, `ArchivedCdrs` and `ArchiveFiles`. `away`: apps whose CDRs cannot be archived."""

    def __init__(self, page_files: int = 64) -> None:
        self.kept: dict[ArchiveFile, tuple[str, ...]] = {}
        self.away: set[str] = set()
        self._page_files = page_files

    def store(self, app: str, day: date, lines: Sequence[str], at: datetime) -> None:
        if app in self.away:
            raise OutsideUnavailable("archive of CDRs")
        moment = at.astimezone(UTC)
        name = f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}-{len(self.kept):08x}"
        self.kept[ArchiveFile(app, day, name)] = tuple(lines)

    def page(self, app: str, day: date, after: str = "") -> CdrPage:
        files = [file for file in self.files(app, day, day) if file.name > after]
        some = files[: self._page_files]
        lines = tuple(line for file in some for line in self.kept[file])
        return CdrPage(lines, some[-1].name if len(some) < len(files) else None)

    def apps(self) -> Iterator[str]:
        yield from sorted({file.app for file in self.kept})

    def files(self, app: str, since: date = date.min, until: date = date.max) -> Iterator[ArchiveFile]:
        yield from (file for file in sorted(self.kept) if file.app == app and since <= file.day <= until)

    def lines(self, file: ArchiveFile) -> Sequence[str]:
        return self.kept.get(file, ())

    def rewrite(self, file: ArchiveFile, lines: Sequence[str]) -> None:
        self.kept[file] = tuple(lines)

    def remove(self, file: ArchiveFile) -> None:
        self.kept.pop(file, None)
