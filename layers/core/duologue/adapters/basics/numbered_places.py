"""Places of a limited number, each an item of its own, so that writers that take or free different ones do not meet.

A writer tries a random number first. Only if that is taken are the taken ones read, and one of the others is tried.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

from duologue.adapters.basics.dynamo_writes import Write
from duologue.domain.errors import DuologueError, StoreBusy

Choose = Callable[[int], int]
"""A random number below its argument."""
choose: Choose = SystemRandom().randrange
_LOOKS = 6
"""How often others may take the place that was seen free, in one attempt."""


@dataclass(frozen=True, slots=True)
class Places:
    """Places 0 to `count` - 1. Those below `spared` are taken only where no other is free.

    `put`: the write that takes a place; its condition fails if it is taken. `taken`: reads which are, strongly
    consistent; there may be greater numbers among them. `full`: the error if all are taken.
    """

    count: int
    put: Callable[[int], dict[str, Any]]
    taken: Callable[[], Collection[int]]
    full: DuologueError
    spared: int = 0

    def any(self, choose: Choose) -> int:
        """A random one that may be free; of those that are not spared, if there are such."""
        first = self.spared if self.spared < self.count else 0
        return first + choose(self.count - first)

    def take(self, number: int) -> Write:
        return self.put(number), _Taken(self)

    def any_free(self, choose: Choose) -> int:
        """A random one of those that are free. Raises `full`."""
        taken = set(self.taken())
        free = [number for number in range(self.count) if number not in taken]
        if not free:
            raise self.full from None
        free = [number for number in free if number >= self.spared] or free
        return free[choose(len(free))]


class _Taken(DuologueError):
    def __init__(self, places: Places) -> None:
        super().__init__("the place is taken")
        self.places = places


def take_each(places: Sequence[Places], write: Callable[[Sequence[int]], None], choose: Choose) -> Sequence[int]:
    """Write one transaction that takes a place of each kind; returns their numbers.

    `write`: writes it with the numbers given, using `Places.take`.

    Raises:
        the `full` of the first kind that has no free place, and whatever `write` raises.
        StoreBusy: another transaction holds an item, or others were faster each time.
    """
    if empty := [each for each in places if not each.count]:
        raise empty[0].full
    numbers = [each.any(choose) for each in places]
    for _ in range(_LOOKS):
        try:
            write(numbers)
        except _Taken as taken:
            numbers[places.index(taken.places)] = taken.places.any_free(choose)
        else:
            return numbers
    raise StoreBusy("others were faster to take the places that were free")
