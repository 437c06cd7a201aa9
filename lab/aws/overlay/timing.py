"""Waiting inside the cloud, and the end of all waiting: a cloud that stops wakes everything at once."""

from __future__ import annotations

import threading
import time

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
    """Let an execution wait. Raises: Halted if the cloud stops meanwhile."""
    if _halted.wait(max(0.0, seconds)):
        raise Halted


def left(deadline: float | None) -> float | None:
    """The seconds until a moment of the monotonic clock, as a time-out of a wait; None: no end."""
    return None if deadline is None else min(max(0.0, deadline - time.monotonic()), threading.TIMEOUT_MAX)
