"""Take a person's number out of the archive of CDRs; the rest of each CDR stays, for the accounts of its SP.

What is in an object can be found only by reading it, since it is sealed. So all are read, also those of calls that the
calls table still has: how long calls are kept may have changed since (docs/decisions/0028-archive-of-cdrs.md).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.accounting.cdr_archive import ArchiveFile
from duologue.domain.calls.call import Call
from duologue.domain.errors import SealBroken
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.cdr_archive import ArchiveFiles, CdrArchive, CdrFormat
from duologue.usecases.ports.outside import Clock

_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Cleared:
    """`files`: how many were read, up to `last`, None if there is none. `unread`: of these, how many do not open."""

    files: int = 0
    cdrs: int = 0
    unread: int = 0
    last: ArchiveFile | None = None


@dataclass(frozen=True, slots=True)
class EraseArchived:
    """`keep`: how long CDRs are kept. A rewritten object is as old as its rewriting to the lifecycle rule, so what is
    older than this by its day is removed here.

    `at_once`: calls functions at the same time and returns what they return, in order. `tell`: is called as it goes on.
    """

    archive: ArchiveFiles
    writing: CdrArchive
    format: CdrFormat
    clock: Clock
    keep: timedelta
    at_once: Callable[[Sequence[Callable[[], Cleared]]], Sequence[Cleared]]
    tell: Callable[[Cleared], None]

    def archive_without(self, call: Call, number: PhoneNumber) -> None:
        """Archive the CDR of a call that is over and will not be reconciled. Raises OutsideUnavailable."""
        cdr = cdr_of(call)
        line = self.format.line(cdr)
        lines = [self.format.without(line, number) or line]
        self.writing.store(cdr.app, cdr.ended_at.astimezone(UTC).date(), lines, self.clock.now())

    def __call__(self, number: PhoneNumber, after: ArchiveFile | None = None) -> Cleared:
        """`after`: go on after this object, as the `last` of what was told. Raises OutsideUnavailable."""
        done, now, files = Cleared(), self.clock.now(), self._files(after)
        while some := list(islice(files, _AT_ONCE)):
            each = self.at_once([partial(self._clear, file, number, now) for file in some])
            done = Cleared(
                done.files + len(some),
                done.cdrs + sum(one.cdrs for one in each),
                done.unread + sum(one.unread for one in each),
                some[-1],
            )
            self.tell(done)
        return done

    def _files(self, after: ArchiveFile | None) -> Iterator[ArchiveFile]:
        for app in self.archive.apps():
            if after is None or app > after.app:
                yield from self.archive.files(app)
            elif app == after.app:
                yield from (file for file in self.archive.files(app, after.day) if file > after)

    def _clear(self, file: ArchiveFile, number: PhoneNumber, now: datetime) -> Cleared:
        if datetime(file.day.year, file.day.month, file.day.day, tzinfo=UTC) + _A_DAY + self.keep < now:
            self.archive.remove(file)
            return Cleared()
        try:
            lines = self.archive.lines(file)
        except SealBroken:
            return Cleared(unread=1)
        changed = [self.format.without(line, number) for line in lines]
        count = sum(line is not None for line in changed)
        if count:
            self.archive.rewrite(file, [new or old for new, old in zip(changed, lines, strict=True)])
        return Cleared(cdrs=count)


_A_DAY = timedelta(days=1)
