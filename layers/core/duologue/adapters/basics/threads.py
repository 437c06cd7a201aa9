"""Wait for several answers at the same time, of AWS or of SPs' servers, in threads."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from duologue.adapters.basics.aws import THREADS
from duologue.usecases.working_through import HasTime, in_turn

T = TypeVar("T")


class Threads:
    """Implements `usecases.working_through.WorkThrough`. Items are taken one at a time, so at most `count` are in work.

    What the work uses must be safe for threads: clients of botocore are, once they are made.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(self, items: Iterable[T], work: Callable[[T], None], has_time: HasTime) -> bool:
        shared = _Shared(iter(items))
        with ThreadPoolExecutor(self._count) as pool:
            running = [pool.submit(in_turn, shared, work, has_time) for _ in range(self._count)]
        return all([each.result() for each in running])


class _Shared(Iterator[T]):
    """An iterator that several threads may use."""

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self._lock = Lock()

    def __next__(self) -> T:
        with self._lock:
            return next(self._items)


def at_once(calls: Sequence[Callable[[], T]]) -> Sequence[T]:
    """Call all in threads, at most THREADS. Returns their results in order; raises what the first of them raises."""
    with ThreadPoolExecutor(min(len(calls), THREADS) or 1) as pool:
        return [done.result() for done in [pool.submit(call) for call in calls]]
