"""A loop for a test that plays on one."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Told = TypeVar("Told")


def played(story: Callable[[], Coroutine[Any, Any, Told]]) -> Told:
    """What the story gives. On a thread of its own: Playwright keeps a loop on the tests' own for a whole run."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(story())).result()
