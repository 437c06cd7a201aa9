"""A clock that jumps, on which a function of the platform can stop in the middle of its work and let others go on.

Every timer runs in a greenlet of its own. `sleep` inside it gives way to whatever comes earlier, and goes on after it:
so two invocations meet between any two of their requests, in an order that is the same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from greenlet import getcurrent, greenlet

from pstn.clocks import JumpingClock, Timer

MOST_TIMERS = 50_000_000


class Fiber(greenlet):  # type: ignore[misc]  # the library has no types
    """`invocation`: the function of the platform that runs in it."""

    invocation: Any = None


class FiberClock(JumpingClock):
    def __init__(self, start: datetime) -> None:
        super().__init__(start, MOST_TIMERS)
        self._hub = getcurrent()

    def call_later(self, seconds: float, run: Callable[[], None]) -> Timer:
        return super().call_later(seconds, Fiber(run, self._hub).switch)

    def sleep(self, seconds: float) -> None:
        """Only inside a timer."""
        me = getcurrent()
        assert me is not self._hub, "nothing runs that could stop"
        super().call_later(seconds, me.switch)
        self._hub.switch()


def current() -> Any:
    """The invocation that runs now; None: none does."""
    return getattr(getcurrent(), "invocation", None)


def enter(invocation: Any) -> Any:
    """Let it be the current one; returns the one before."""
    me = getcurrent()
    before = getattr(me, "invocation", None)
    me.invocation = invocation
    return before
