"""How many calls a trunk takes: at once, and in a second."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from pstn.trunks.trunk_file import Trunk

SECOND = timedelta(seconds=1)


class Limits:
    """Of each trunk by its name. A call that finds no room is refused; nothing waits here."""

    def __init__(self, trunks: Iterable[Trunk]) -> None:
        self._trunks = {trunk.name: trunk for trunk in trunks}
        self._up: dict[str, set[str]] = {name: set() for name in self._trunks}
        self._begun: dict[str, deque[datetime]] = {name: deque() for name in self._trunks}

    def calls(self, trunk: str) -> int:
        """Legs on it, in both directions."""
        return len(self._up[trunk])

    def take(self, trunk: str, call_id: str, now: datetime | None) -> bool:
        """Whether the leg may be set up. It keeps its place until `release`, so that it may try the next host too.

        `now` None: an inbound call, which the trunk paces itself.
        """
        rows, up, begun = self._trunks[trunk], self._up[trunk], self._begun[trunk]
        if call_id not in up and len(up) >= rows.calls:
            return False
        if now is not None:
            while begun and begun[0] <= now - SECOND:
                begun.popleft()
            if len(begun) >= rows.calls_per_second:
                return False
            begun.append(now)
        up.add(call_id)
        return True

    def release(self, call_id: str) -> None:
        """The leg has ended, or goes to another trunk. Safe to repeat."""
        for up in self._up.values():
            up.discard(call_id)
