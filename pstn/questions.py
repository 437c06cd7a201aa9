"""Questions to a bucket: they may take time, so they are put beside the calls, and answered in turn with them."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol, TypeVar

from pstn.clocks import Timer

T = TypeVar("T")


class Later(Protocol):
    def __call__(self, seconds: float, run: Callable[[], None]) -> Timer: ...


def put(
    question: Callable[[], T],
    then: Callable[[T | None], None],
    pool: Executor | None,
    later: Later,
    say: Callable[[str], None],
) -> None:
    """What cannot be answered counts as no (None), and is said. Without a pool the answer is awaited here."""

    def work() -> None:
        answer: T | None = None
        try:
            answer = question()
        except Exception as error:  # noqa: BLE001 - a bucket that fails in any way is, to the service, one it cannot read
            say(f"{type(error).__name__}: {error}")
        later(0, lambda: then(answer))

    if pool:
        pool.submit(work)
    else:
        work()
