"""The archive of CDRs: they outlive their calls, which the calls table keeps for a shorter time.

A CDR is in it at least once; a repeat has the same session. It is filed by app and by the day of its end, in UTC.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Protocol

from duologue.domain.accounting.cdr import Cdr
from duologue.domain.accounting.cdr_archive import ArchivedCdr, ArchiveFile, CdrPage
from duologue.domain.numbers.phone_number import PhoneNumber


class CdrFormat(Protocol):
    """How a CDR is archived: one line of text."""

    def line(self, cdr: Cdr) -> str:
        """As the SP is sent it, without what gives access to a recording. No line feed is in it."""

    def read(self, line: str) -> ArchivedCdr: ...

    def without(self, line: str, number: PhoneNumber) -> str | None:
        """The same CDR with another text in place of a party's number; None: the number is not in it."""


class CdrArchive(Protocol):
    def store(self, app: str, day: date, lines: Sequence[str], at: datetime) -> None:
        """Archive CDRs of an app's calls that ended on `day`, now (`at`): all of them or none.

        Raises OutsideUnavailable: whether they are archived is unknown.
        """


class ArchivedCdrs(Protocol):
    def page(self, app: str, day: date, after: str = "") -> CdrPage:
        """CDRs of an app and day, in the order in which they were archived: some hundred at most.

        `after`: of the page before. Raises OutsideUnavailable.
        """


class ArchiveFiles(Protocol):
    """The archive for its operator. Each may raise OutsideUnavailable."""

    def apps(self) -> Iterator[str]:
        """The keys of all apps that have CDRs here, also of those that were removed."""

    def files(self, app: str, since: date = date.min, until: date = date.max) -> Iterator[ArchiveFile]:
        """Those of an app and of days from `since` to `until`, in order."""

    def lines(self, file: ArchiveFile) -> Sequence[str]:
        """None of them if the file is gone. Raises SealBroken: it cannot be opened."""

    def rewrite(self, file: ArchiveFile, lines: Sequence[str]) -> None:
        """Replace it in all its versions, if the bucket keeps any."""

    def remove(self, file: ArchiveFile) -> None:
        """In all its versions."""
