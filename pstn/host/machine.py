"""What is measured of the machine itself, in CloudWatch's embedded metric format."""

import json
import os
import time
from collections.abc import Callable

NAMESPACE = "Duologue/Hosts"
EVERY_S = 60.0


class Measured:
    """Calling it returns a line once every EVERY_S, else None. `group`: the dimension."""

    def __init__(
        self,
        group: str,
        *,
        folder: str = "/",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._group, self._folder, self._clock, self._now = group, folder, clock, now
        self._due = clock()

    def __call__(self) -> str | None:
        if self._clock() < self._due:
            return None
        self._due = self._clock() + EVERY_S
        metrics = [{"Name": "DiskUsed", "Unit": "Percent"}]
        directive = {"Namespace": NAMESPACE, "Dimensions": [["Group"]], "Metrics": metrics}
        about = {"Timestamp": int(self._now() * 1000), "CloudWatchMetrics": [directive]}
        return json.dumps({"_aws": about, "Group": self._group, "DiskUsed": disk_used(self._folder)})


def disk_used(folder: str) -> float:
    """Percent of what others than root may use, as `df` has it."""
    said = os.statvfs(folder)
    used = said.f_blocks - said.f_bfree
    return round(100 * used / max(1, used + said.f_bavail), 1)
