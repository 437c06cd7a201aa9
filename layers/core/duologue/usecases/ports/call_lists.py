"""Calls by what people search for, and what was used: the reads of consoles, commands and SPs."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from duologue.domain.accounting.usage import DayUsage
from duologue.domain.calls.call import Call
from duologue.domain.calls.outcome import EndReason
from duologue.domain.numbers.phone_number import PhoneNumber


@dataclass(frozen=True, slots=True)
class CallsWanted:
    """Which calls to list. All that is given must hold.

    The list that is read is the first of these that is given: `number`, `last_digits`, `display_number`, `open_only`,
    `app_keys`; else that of all calls.
    """

    app_keys: frozenset[str] | None = None
    """Of any of these apps; None: of all."""
    number: PhoneNumber | None = None
    """Of either party."""
    last_digits: str = ""
    """The last four digits of either party's number."""
    display_number: str = ""
    """E.164; shown to either party."""
    open_only: bool = False
    """Not over yet."""
    since: datetime | None = None
    """Accepted at this time or later."""
    until: datetime | None = None
    """Accepted before."""
    ends: frozenset[EndReason] = frozenset()
    """Ended for one of these reasons; empty: any, or not ended."""
    talked: bool | None = None
    """Whether both parties were connected; None: any."""


@dataclass(frozen=True, slots=True)
class CallPage:
    """Newest first, by the time of acceptance. It may have fewer calls than asked for although there are more.

    `after`: gives the next page; None: there are no more calls.
    """

    calls: tuple[Call, ...]
    after: str | None


class CallLists(Protocol):
    """Eventually consistent: a call of the last seconds may be missing. What is said of a call is true now."""

    def page(self, wanted: CallsWanted, limit: int, after: str = "") -> CallPage:
        """At most `limit` calls (1 to 100), by at most 3 requests to the store for each app that is read.

        `after`: of the page before, with the same `wanted`. Raises InvalidField: it is not of this list.
        """


class Cursors(Protocol):
    """Places in the lists, as SPs get them: they may be those of other SPs' calls, so they are sealed."""

    def sealed(self, app: str, place: str) -> str: ...

    def opened(self, app: str, cursor: str) -> str:
        """Raises InvalidField: it is not this app's."""


class Listing(Protocol):
    """Where calls are put into the lists. Idempotent."""

    def add(self, calls: Iterable[str]) -> None:
        """List calls that were accepted. A call that is not there (any more) is left out."""

    def end(self, calls: Iterable[str]) -> None:
        """List calls that are over as such, and count each once for its app and day. Others are left as they are."""

    def repair(self, calls: Iterable[Call]) -> None:
        """`add` and `end` for calls that are over, where that was missed."""

    def remove(self, call_id: str) -> None:
        """Take a call out of all lists, before its items are deleted; what it counted stays."""


class Usages(Protocol):
    """Counted seconds after a call's end; exact."""

    def of_day(self, day: date) -> Mapping[str, DayUsage]:
        """By app key; an app without calls is missing."""

    def of_apps(self, app_keys: Collection[str], days: Sequence[date]) -> Mapping[tuple[str, date], DayUsage]:
        """At most 100 of each app and day; those without calls are missing."""
