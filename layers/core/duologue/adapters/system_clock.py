"""The real clock."""

from datetime import UTC, datetime


class SystemClock:
    """Plays `usecases.ports.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)
