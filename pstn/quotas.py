"""The account's quotas for calls: how often they are created and updated, and how many are active at once."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from pstn.driver import Driver
from pstn.refusals import ServiceRefusal
from pstn.switches import Quotas, Switches


class Rate:
    """A limit per second."""

    def __init__(self) -> None:
        self._recent: deque[datetime] = deque()

    def take(self, now: datetime, per_second: int) -> None:
        """Raises: ServiceRefusal (429)."""
        while self._recent and now - self._recent[0] >= timedelta(seconds=1):
            self._recent.popleft()
        if len(self._recent) >= per_second:
            raise ServiceRefusal("Throttled", "Rate exceeded")
        self._recent.append(now)


class QuotaKeeper:
    """Refuses what exceeds the quotas, when they are on."""

    def __init__(
        self, now: Callable[[], datetime], switches: Callable[[], Switches], calls: Callable[[], Iterable[Driver]]
    ) -> None:
        self._now = now
        self._switches = switches
        self._calls = calls
        self._creates, self._updates = Rate(), Rate()

    @property
    def _limits(self) -> Quotas:
        return self._switches().quotas

    def take_create(self) -> None:
        """Raises: ServiceRefusal (429)."""
        if self._limits.on:
            self._creates.take(self._now(), self._limits.creates_per_second)

    def take_update(self) -> None:
        """Raises: ServiceRefusal (429)."""
        if self._limits.on:
            self._updates.take(self._now(), self._limits.updates_per_second)

    def check_active_calls(self) -> None:
        """Raises: ServiceRefusal (400)."""
        if self._limits.on and self.active_calls() >= self._limits.active_calls:
            raise ServiceRefusal("ResourceLimitExceeded", "Too many active calls")

    def active_calls(self) -> int:
        """A call with two legs, ringing or up, counts as `bridge_counts` says; any other as one."""
        legs = (driver.legs_counted for driver in self._calls())
        return sum(self._limits.bridge_counts if count > 1 else count for count in legs)

    def bridge_refused(self) -> str | None:
        """Why leg B of a bridge may not be dialled; None: it may."""
        over = self._limits.on and self.active_calls() > self._limits.active_calls
        refused = over and self._switches().bridge_over_quota_fails
        return "The number of active calls has reached its limit." if refused else None
