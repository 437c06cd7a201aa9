"""The threads that fire schedules belong to one cloud, and end with it.

MiniStack: they are started with the first cloud of a process and never end. What a schedule invokes they start, so on
Linux it runs in the network namespace in which that first cloud was started, and does not reach a later one in another.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from lab.aws.ministack import ministack
from lab.aws.overlay import timing

_THREADS = {"eventbridge": "_scheduler_thread", "scheduler": "_ticker_thread"}
"""The variable of each service that has its thread."""
_ENDS_S = 10.0
_log = logging.getLogger(__name__)


def _fires(tick: Callable[[], None], seconds: float) -> Callable[[], None]:
    def loop() -> None:
        while timing.paused(seconds):
            try:
                tick()
            except Exception:  # noqa: BLE001 - whatever it is, the next schedules fire, as in MiniStack
                _log.exception("a schedule could not be fired")

    return loop


def reset() -> None:
    """After `timing.halt`: wait for the threads, so that the next cloud starts its own."""
    for service, name in _THREADS.items():
        module: Any = ministack(f"services.{service}")
        thread: threading.Thread | None = getattr(module, name)
        if thread is not None:
            thread.join(_ENDS_S)
        setattr(module, name, None)


def apply() -> None:
    rules, schedules = ministack("services.eventbridge"), ministack("services.scheduler")
    rules._scheduler_loop = _fires(rules._tick_scheduled_rules, rules._SCHEDULER_TICK_INTERVAL)
    schedules._ticker_loop = _fires(schedules._tick_schedules, schedules._SCHEDULE_TICK_INTERVAL)
