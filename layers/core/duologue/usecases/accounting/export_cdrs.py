"""Export archived CDRs: each session once, oldest first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter

from duologue.domain.accounting.cdr_archive import ArchivedCdr, ArchiveFile
from duologue.usecases.ports.cdr_archive import ArchiveFiles, CdrFormat

_AT_ONCE = 64
Lines = Sequence[str]


@dataclass(frozen=True, slots=True)
class ExportCdrs:
    """`at_once`: calls functions at the same time and returns what they return, in order."""

    archive: ArchiveFiles
    format: CdrFormat
    at_once: Callable[[Sequence[Callable[[], Lines]]], Sequence[Lines]]

    def __call__(self, since: date, until: date, *, app: str = "", sp: str = "") -> Iterator[str]:
        """Lines, of calls that ended on these days and between them, of an app or of all apps of an SP.

        The CDRs of one day are in memory at a time: a call is archived twice on one day only. Raises SealBroken,
        OutsideUnavailable.
        """
        apps = [app] if app else list(self.archive.apps())
        by_day = merge(*(self.archive.files(each, since, until) for each in apps), key=attrgetter("day"))
        others = set[str]()
        for _, files in groupby(by_day, key=attrgetter("day")):
            cdrs = {cdr.session: cdr for cdr in self._cdrs(files, sp, others)}
            for cdr in sorted(cdrs.values(), key=attrgetter("ended", "session")):
                yield cdr.line

    def _cdrs(self, files: Iterator[ArchiveFile], sp: str, others: set[str]) -> Iterator[ArchivedCdr]:
        """Those of the SP, if one is given. Other SPs' apps are added to `others`, and their files not read again."""
        while some := list(islice((file for file in files if file.app not in others), _AT_ONCE)):
            found = self.at_once([partial(self.archive.lines, file) for file in some])
            for file, lines in zip(some, found, strict=True):
                cdrs = list(map(self.format.read, lines))
                if sp and any(cdr.sp != sp for cdr in cdrs):
                    others.add(file.app)
                else:
                    yield from cdrs
