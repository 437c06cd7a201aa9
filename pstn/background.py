"""Reads and writes of a bucket run in the background, because they may take time; their results are handled in turn."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol, TypeVar

from pstn.clocks import Timer

T = TypeVar("T")


class Later(Protocol):
    def __call__(self, seconds: float, run: Callable[[], None]) -> Timer: ...


def run_in_background(
    question: Callable[[], T],
    then: Callable[[T | None], None],
    pool: Executor | None,
    later: Later,
    say: Callable[[str], None],
) -> None:
    """Call `then` with the answer; an error is reported and counts as no answer (None). Without a pool, ask here."""

    def work() -> None:
        answer: T | None = None
        try:
            answer = question()
        except Exception as error:  # noqa: BLE001 - to the service, a bucket that fails in any way is one it cannot read
            say(f"{type(error).__name__}: {error}")
        later(0, lambda: then(answer))

    if pool:
        pool.submit(work)
    else:
        work()
