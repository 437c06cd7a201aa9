"""A partition with compressed items is the dictionary that it would be without them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lab.aws.overlay import cold_partitions
from lab.aws.overlay.cold_partitions import BLOCK, ColdPartition

EVERY = [f"{each:03}" for each in range(3 * BLOCK)]
KEYS = st.sampled_from(EVERY)
STEPS = st.one_of(
    st.tuples(st.just("write"), st.lists(KEYS, max_size=2 * BLOCK)),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("pack"), st.sampled_from([0, 1, BLOCK])),
)


@given(st.lists(STEPS, max_size=12))
def test_it_is_what_was_written(steps):
    plain: dict[str, Any] = {}
    partition = ColdPartition({})
    for number, (step, what) in enumerate(steps):
        match step:
            case "write":
                for key in what:
                    plain[key] = partition[key] = {"n": {"N": str(number)}}
            case "delete":
                assert partition.pop(what, None) == plain.pop(what, None)
            case "pack":
                partition.pack(keep=what)
        assert (len(partition), dict(partition), bool(partition)) == (len(plain), plain, bool(plain))
        assert sorted(partition) == sorted(partition.keys()) == sorted(plain)
        assert {key: partition[key] for key in EVERY if key in partition} == plain


def test_of_a_list_of_calls_all_but_the_latest_are_compressed():
    """However long it is; an entry takes less than a hundred bytes."""

    def store(table, partition, sort, item):
        table["items"].setdefault(partition, {})[sort] = item

    table: dict[str, Any] = {"TableName": "a-list-of-this-test", "items": {}}
    write = cold_partitions._set_item(store)
    for each in range(1_000):
        sort = f"2026-11-29T10:38:{each / 1000:09.6f}Z#{each * 7919:010}_20261129103837"
        write(table, "all", sort, {"pk": {"S": "all"}, "sk": {"S": sort}, "talked": {"BOOL": True}})
    items = table["items"]["all"]
    compressed, size = items.packed()
    assert len(items) == 1_000
    assert 1_000 - 2 * BLOCK <= compressed < 1_000
    assert size < 100 * compressed
