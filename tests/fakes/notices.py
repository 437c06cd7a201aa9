"""The notification queues as lists."""

from collections.abc import Iterable
from datetime import datetime

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.notifying import Notice


class FakeNotices:
    """Plays `Notices`."""

    def __init__(self) -> None:
        self.first: list[Notice] = []
        self.aside: list[Notice] = []
        self.undelivered: list[tuple[Notice, str]] = []
        self.out_of_reach = False

    def queue(self, notices: Iterable[Notice]) -> None:
        self._reach()
        self.first.extend(notices)

    def queue_again(self, notice: Notice, now: datetime) -> None:
        self._reach()
        self.aside.append(notice)

    def keep_undelivered(self, notice: Notice, why: str) -> None:
        self._reach()
        self.undelivered.append((notice, why))

    def _reach(self) -> None:
        if self.out_of_reach:
            raise OutsideUnavailable("queue")
