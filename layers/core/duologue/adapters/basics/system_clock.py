"""The real clock."""

from datetime import UTC, datetime


class SystemClock:
    """Implements `usecases.ports.outside.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)
