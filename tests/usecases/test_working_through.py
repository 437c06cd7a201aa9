"""Many items are worked through in their order, each once, while there is time; in turn, or in threads."""

import threading
from collections.abc import Iterator

import pytest

from duologue.adapters.basics.threads import Threads
from duologue.usecases.working_through import in_turn

WAYS = pytest.mark.parametrize(
    "work_through", [in_turn, Threads(1), Threads(8)], ids=["in turn", "1 thread", "8 threads"]
)


@WAYS
def test_each_item_is_worked_on_once_and_none_after_the_time(work_through):
    taken, done = list[int](), list[int]()

    def numbers() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    items = numbers()
    assert work_through(items, done.append, lambda: len(taken) < 500) is False
    assert taken == list(range(len(taken)))
    assert 500 <= len(taken) < 510, "no more than are in work at once"
    assert sorted(done) == taken
    assert work_through(items, done.append, lambda: True) is True
    assert sorted(done) == list(range(1000))


@WAYS
def test_an_error_is_raised_and_stops_no_other_thread(work_through):
    done = list[int]()

    def work(number):
        if number == 3:
            raise PermissionError(number)
        done.append(number)

    with pytest.raises(PermissionError):
        work_through(range(10), work, lambda: True)
    assert set(done) >= {0, 1, 2}
    assert work_through is in_turn or len(done) in (3, 9), "one thread stops, eight go on"


def test_as_many_are_in_work_at_once_as_there_are_threads():
    """A barrier lets nobody pass before all are there."""
    barrier = threading.Barrier(8, timeout=20)

    def wait(_number: int) -> None:
        barrier.wait()

    assert Threads(8)(range(24), wait, lambda: True) is True
