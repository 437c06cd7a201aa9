"""Polling what runs on the real clock."""

import time
from collections.abc import Callable
from typing import Any


def until(look: Callable[[], Any], seconds: float = 120.0) -> Any:
    """The first true thing that `look` returns.

    `seconds` only ends a test that hangs: a busy machine stays far below.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
