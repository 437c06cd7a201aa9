"""Time inside Step Functions: the real clock, a scale, and the end of all waiting.

Rule: all waiting inside an execution happens here, so that a stopped cloud wakes everything at once, and a test of a
state machine can let an hour pass in a second.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any

SCALE: ContextVar[float] = ContextVar("step_functions_time_scale", default=1.0)
"""Real seconds for one second of the state machine; 1.0 under a running lab."""

_halted = threading.Event()


class Halted(BaseException):
    """The cloud stopped while an execution was waiting.

    Not an `Exception`: the interpreter would record it as the failure of a state.
    """


def halt() -> None:
    """Wake every waiting execution; each ends with `Halted`."""
    _halted.set()


def resume() -> None:
    """Let executions wait again."""
    _halted.clear()


def halted() -> bool:
    """Whether the cloud has stopped."""
    return _halted.is_set()


def paused(seconds: float) -> bool:
    """Let real time pass; False if the cloud stopped meanwhile."""
    return not _halted.wait(seconds)


def sleep(seconds: float) -> None:
    """Let `seconds` of the state machine's time pass."""
    if _halted.wait(max(0.0, seconds * SCALE.get())):
        raise Halted


def now(scale: float | None = None) -> float:
    """Seconds of the state machine's time, from an arbitrary start; `scale` if it is not the running execution's."""
    return time.monotonic() / (scale or SCALE.get())


def wait(futures: Iterable[Future[Any]], until: float) -> None:
    """Return when one of `futures` is done, or at the time `until` on the clock of `now`."""
    real = min(max(0.0, (until - now()) * SCALE.get()), threading.TIMEOUT_MAX)
    concurrent.futures.wait(list(futures), real, concurrent.futures.FIRST_COMPLETED)
