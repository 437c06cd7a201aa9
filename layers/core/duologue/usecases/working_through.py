"""Work through many items, oldest first, until there is no more time. Threads: `adapters.basics.threads`."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from duologue.usecases.ports.outside import Clock

T = TypeVar("T")
HasTime = Callable[[], bool]


class WorkThrough(Protocol):
    def __call__(self, items: Iterable[T], work: Callable[[T], None], has_time: HasTime) -> bool:
        """Work on items in their order while there is time; False: some may be left.

        An error of `items` or of `work` is raised when no item is in work any more.
        """


def in_turn(items: Iterable[T], work: Callable[[T], None], has_time: HasTime) -> bool:
    """One after another. The next item is taken only if there is time for it."""
    waiting = iter(items)
    while has_time():
        try:
            item = next(waiting)
        except StopIteration:
            return True
        work(item)
    return False


def always() -> bool:
    """Of work that is finished once it was begun."""
    return True


def until(end: datetime | None, clock: Clock) -> HasTime:
    """None: there is always time."""
    return lambda: end is None or clock.now() < end
