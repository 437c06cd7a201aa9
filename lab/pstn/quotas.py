"""The account's limits on calls: how often, and how many at once."""

from collections import deque
from datetime import datetime, timedelta

from lab.pstn.refusals import ServiceRefusal


class Rate:
    """At most so many in any second."""

    def __init__(self) -> None:
        self._recent: deque[datetime] = deque()

    def take(self, now: datetime, per_second: int) -> None:
        """Raises: ServiceRefusal (429)."""
        while self._recent and now - self._recent[0] >= timedelta(seconds=1):
            self._recent.popleft()
        if len(self._recent) >= per_second:
            raise ServiceRefusal("Throttled", "Rate exceeded")
        self._recent.append(now)
