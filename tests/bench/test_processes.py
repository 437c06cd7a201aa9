"""What is read from /proc, and whose it is."""

from bench.processes import Stat, family, parse_stat

_LINE = (
    "4242 (a) name (x) S 17 4242 4242 0 -1 4194560 19650 2291 0 0 250 30 15 5 20 0 12 0 987654 1061724160 38000 "
    "18446744073709551615 1 1 0 0 0 0 0 16781312 17410 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0"
)


def test_a_process_counts_itself_and_the_children_that_it_waited_for():
    assert parse_stat(_LINE, 100) == Stat(pid=4242, parent=17, born=987654, seconds=3.0)


def test_a_family_is_a_process_with_all_its_descendants():
    def stat(pid: int, parent: int) -> Stat:
        return Stat(pid, parent, 0, 0.0)

    everybody = {each.pid: each for each in (stat(1, 0), stat(10, 1), stat(11, 10), stat(12, 11), stat(20, 1))}
    assert [each.pid for each in family(everybody, 10)] == [10, 11, 12]
    assert family(everybody, 99) == []
