"""The notification queues as lists."""

from collections.abc import Iterable
from datetime import timedelta

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.notifying import NO_WAIT, Notice


class FakeNotices:
    """Plays `Notices`."""

    def __init__(self) -> None:
        self.first: list[Notice] = []
        self.aside: list[tuple[Notice, timedelta]] = []
        """Retries, with how long they are delayed."""
        self.out_of_reach = False

    def queue(self, notices: Iterable[Notice]) -> None:
        self._reach()
        self.first.extend(notices)

    def queue_again(self, notices: Iterable[Notice], wait: timedelta = NO_WAIT) -> None:
        self._reach()
        self.aside.extend((notice, wait) for notice in notices)

    def _reach(self) -> None:
        if self.out_of_reach:
            raise OutsideUnavailable("queue")
