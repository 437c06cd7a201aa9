"""What is measured of the machine itself, and when: once a minute, in CloudWatch's embedded metric format."""

import os
import time
from collections.abc import Callable, Iterable

from pstn import embedded_metrics

NAMESPACE = "Duologue/Hosts"
EVERY_S = 60.0
Source = Callable[[float], Iterable[str]]
"""Unix seconds → the lines of one minute. It raises nothing: the journal is sent by the same process."""


class Measured:
    """Calling it returns the lines of all `sources` once every EVERY_S, else none."""

    def __init__(
        self, *sources: Source, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._sources, self._clock, self._now = sources, clock, now
        self._due = clock()

    def __call__(self) -> list[str]:
        if self._clock() < self._due:
            return []
        while self._due <= self._clock():  # and not from now on: no minute is left out because each is a bit late
            self._due += EVERY_S
        now = self._now()
        return [line for source in self._sources for line in source(now)]


def disk(group: str, folder: str = "/") -> Source:
    """`group`: the dimension."""

    def lines(now: float) -> Iterable[str]:
        about, values = {"Group": group}, {"DiskUsed": disk_used(folder)}
        yield embedded_metrics.line(now, NAMESPACE, about, values, units={"DiskUsed": "Percent"})

    return lines


def disk_used(folder: str) -> float:
    """Percent of what others than root may use, as `df` has it."""
    said = os.statvfs(folder)
    used = said.f_blocks - said.f_bfree
    return round(100 * used / max(1, used + said.f_bavail), 1)
