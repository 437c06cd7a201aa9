"""Queue the notifications whose next attempt is due. The sweeper does it every minute.

A first attempt that was put off goes where other first attempts go, one at a time of each call: each makes those of the
facts before it, so two at once would make the same one twice, or a later one first (R11).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from duologue.usecases.ports.notifying import Notices, Waiting, WaitingNotifications
from duologue.usecases.ports.outside import Clock
from duologue.usecases.working_through import WorkThrough, in_turn, until

_LEASE = timedelta(minutes=10)
"""After this a notification that was queued and not attempted is queued again."""
_IN_ONE_REQUEST = 10


@dataclass(frozen=True, slots=True)
class Queued:
    """`is_all`: nothing that is due was left for the next sweep."""

    number: int
    is_all: bool = True


@dataclass(frozen=True, slots=True)
class QueueDue:
    waiting: WaitingNotifications
    notices: Notices
    clock: Clock
    work_through: WorkThrough = in_turn

    def __call__(self, most: int = 20_000, end: datetime | None = None) -> Queued:
        """Queue up to `most` until `end`, oldest first. One that is queued twice is attempted once.

        Raises:
            OutsideUnavailable: the store or the queue is unavailable; what was not queued is after a while.
        """
        now = self.clock.now()
        queued: list[int] = []

        def queue(some: Sequence[Waiting]) -> None:
            claims = (self.waiting.claim(each, now + _LEASE) for each in some)
            claimed = [claim for claim in claims if claim is not None]
            self.notices.queue([each.notice for each in claimed if each.is_put_off])
            self.notices.queue_again([each.notice for each in claimed if not each.is_put_off])
            queued.append(len(claimed))

        is_all = self.work_through(_in_requests(self.waiting.due(now, most)), queue, until(end, self.clock))
        return Queued(sum(queued), is_all and sum(queued) < most)


def _in_requests(due: Iterable[Waiting]) -> Iterator[list[Waiting]]:
    waiting = iter(due)
    while some := list(islice(waiting, _IN_ONE_REQUEST)):
        yield some
