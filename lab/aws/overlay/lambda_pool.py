"""Which process serves an invocation, and when another one is started.

AWS: an invocation that finds no free environment gets a new one at once, with practically unlimited machines.

MiniStack does the same on this one machine: fifty concurrent requests start fifty interpreters, which all compete for
two cores. Here an invocation first waits briefly for a warm process (less than a start would take), and at most as many
processes start at once as there are cores. An invocation never waits for a running function to end, so a function that
invokes itself cannot deadlock.
"""

from __future__ import annotations

import os
import threading
import time
from functools import cache
from typing import Any

from lab.aws.ministack import ministack

WARM_WAIT_SECONDS = 0.15
"""How long an invocation waits for a busy process of its function before another one is started."""

_STARTS = max(2, os.cpu_count() or 1)


class Pool:
    """The rules above, around MiniStack's own list of workers."""

    def __init__(self) -> None:
        runtime = ministack("core.lambda_runtime")
        self._changed = threading.Condition(runtime._lock)
        self._starting: set[int] = set()

    def acquire(
        self, name: str, config: dict[str, Any], code: bytes, qualifier: str = "$LATEST", **_: Any
    ) -> tuple[Any, str]:
        """A process for one invocation, and whether it is "reused" or must "spawn"."""
        runtime = ministack("core.lambda_runtime")
        key = runtime._worker_key(name, config, qualifier)
        since = time.monotonic()
        with self._changed:
            while True:
                workers = runtime._workers.setdefault(key, [])
                free = next((worker for worker in workers if not worker.in_use), None)
                if free is not None:
                    free.in_use, free.last_used = True, time.time()
                    return free, "reused"
                waited = time.monotonic() - since
                if len(self._starting) < _STARTS and (not workers or waited >= WARM_WAIT_SECONDS):
                    worker = runtime._worker_class_for(config)(name, config, code)
                    worker.in_use, worker.last_used = True, time.time()
                    workers.append(worker)
                    self._starting.add(id(worker))
                    return worker, "spawn"
                self._changed.wait(max(0.01, WARM_WAIT_SECONDS - waited))

    def started(self, worker: Any) -> None:
        """The process has started (or failed to): another one may start."""
        with self._changed:
            self._starting.discard(id(worker))
            self._changed.notify_all()

    def release(self, worker: Any) -> None:
        """The invocation has ended."""
        if worker is None:
            return
        with self._changed:
            self._starting.discard(id(worker))
            worker.in_use, worker.last_used = False, time.time()
            self._changed.notify_all()


def apply() -> None:
    """Replace how a worker is acquired and released, and track when its process has started."""
    runtime, svc = ministack("core.lambda_runtime"), ministack("services.lambda_svc")
    pool = Pool()
    for module in (runtime, svc):
        module.acquire_worker, module.release_worker = pool.acquire, pool.release
    choose = runtime._worker_class_for

    def choose_reporting(config: dict[str, Any]) -> type:
        return _reporting_start(choose(config), pool)

    runtime._worker_class_for = choose_reporting


@cache
def _reporting_start(worker_class: type, pool: Pool) -> type:
    class ReportingStart(worker_class):  # type: ignore[misc]
        def _spawn(self, *args: Any, **more: Any) -> None:
            try:
                super()._spawn(*args, **more)
            finally:
                pool.started(self)

    return ReportingStart
