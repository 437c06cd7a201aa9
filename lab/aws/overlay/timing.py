"""Time inside Step Functions: the real clock, a scaled one, one that jumps, and the end of all waiting.

Rule: all waiting inside an execution happens here, so that a stopped cloud wakes everything at once, and a test of a
state machine can let an hour pass in a second, or in no time.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any

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


class Clock:
    """The real clock.

    Args:
        scale: real seconds for one second of the state machine; 1.0 under a running lab.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def now(self) -> float:
        """Seconds of the state machine's time, from an arbitrary start."""
        return time.monotonic() / self.scale

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of the state machine's time pass."""
        if _halted.wait(max(0.0, seconds * self.scale)):
            raise Halted

    def wait(self, futures: Iterable[Future[Any]], until: float, *, running: bool) -> None:
        """Return when one of `futures` is done, or at the time `until`. `running`: one of them is being worked on."""
        real = min(max(0.0, (until - self.now()) * self.scale), threading.TIMEOUT_MAX)
        concurrent.futures.wait(list(futures), real, concurrent.futures.FIRST_COMPLETED)


class JumpingClock(Clock):
    """A clock that stands still while a call is running, and jumps to the end of every other wait.

    For one execution whose callbacks are completed before their calls return, or never.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += max(0.0, seconds)

    def wait(self, futures: Iterable[Future[Any]], until: float, *, running: bool) -> None:
        if running:
            concurrent.futures.wait(list(futures), None, concurrent.futures.FIRST_COMPLETED)
        elif not any(future.done() for future in futures):
            self._now = max(self._now, until)


CLOCK: ContextVar[Clock] = ContextVar("step_functions_clock", default=Clock())  # noqa: B039 - it has no state
"""The clock of the running execution."""


def now() -> float:
    """Seconds on the clock of the running execution."""
    return CLOCK.get().now()


def sleep(seconds: float) -> None:
    """Let `seconds` pass on the clock of the running execution."""
    CLOCK.get().sleep(seconds)
