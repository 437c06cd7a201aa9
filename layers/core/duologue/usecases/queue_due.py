"""Queue the notifications whose next attempt is due. The sweeper does it every minute."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from duologue.usecases.ports.notifying import Notices, WaitingNotifications
from duologue.usecases.ports.outside import Clock

_LEASE = timedelta(minutes=10)
"""After this a notification that was queued and not attempted is queued again."""
_IN_ONE_REQUEST = 10


@dataclass(frozen=True, slots=True)
class QueueDue:
    waiting: WaitingNotifications
    notices: Notices
    clock: Clock

    def __call__(self, most: int = 5000) -> int:
        """Queue up to `most`, and return how many. One that is queued twice is attempted once.

        Raises:
            OutsideUnavailable: the store or the queue is unavailable; what was not queued is after a while.
        """
        now, queued = self.clock.now(), 0
        due = iter(self.waiting.due(now, most))
        while some := list(islice(due, _IN_ONE_REQUEST)):
            claimed = [self.waiting.claim(each, now + _LEASE) for each in some]
            notices = [notice for notice in claimed if notice is not None]
            self.notices.queue_again(notices)
            queued += len(notices)
        return queued
