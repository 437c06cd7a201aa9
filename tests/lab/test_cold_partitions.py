"""A partition with compressed items is the dictionary that it would be without them."""

import hashlib
import zlib
from typing import Any

import pytest
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


def store(table, partition, sort, item):
    items = table["items"].setdefault(partition, {})
    old = items.get(sort)
    items[sort] = item
    return old


write = cold_partitions._set_item(store)


def test_of_a_list_of_calls_all_but_the_latest_are_compressed():
    """However long it is, though some calls are entered late, and an entry changes when its call ends; an entry takes
    less than a hundred bytes.
    """
    table: dict[str, Any] = {"TableName": "a-list-of-this-test", "items": {}}
    sorts = [f"2026-11-29T10:38:{each / 1000:09.6f}Z#{each * 7919:010}_20261129103837" for each in range(1_000)]
    for each in range(0, 1_000, 10):
        sorts[each : each + 3] = reversed(sorts[each : each + 3])
    for number, sort in enumerate(sorts):
        write(table, "all", sort, {"pk": {"S": "all"}, "sk": {"S": sort}, "talked": {"BOOL": False}})
        for ended in sorts[max(0, number - 40) : max(0, number - 39)]:
            write(table, "all", ended, {"pk": {"S": "all"}, "sk": {"S": ended}, "talked": {"BOOL": True}})
    items = table["items"]["all"]
    compressed, size = items.packed()
    assert len(items) == 1_000
    assert 1_000 - 3 * BLOCK <= compressed < 1_000
    assert size < 100 * compressed


@pytest.fixture
def inflated(monkeypatch):
    """The sizes of the blocks that were."""
    sizes, stock = [], zlib.decompress

    def decompress(packed):
        sizes.append(len(packed))
        return stock(packed)

    monkeypatch.setattr(zlib, "decompress", decompress)
    return sizes


def random(each):
    return hashlib.sha256(str(each).encode()).hexdigest()


def test_a_partition_without_order_stays_as_it_is_while_it_is_written(inflated):
    table: dict[str, Any] = {"TableName": "hashes-of-this-test", "items": {}}
    for each in range(1_000):
        write(table, "MEMORY#1", random(each), {"n": {"N": str(each)}})
        assert table["items"]["MEMORY#1"].get(random(-each - 1)) is None
    assert not inflated


def test_a_key_is_looked_for_in_one_block(inflated):
    """Of a partition without order that is compressed, written, and compressed again."""
    partition = ColdPartition({})
    for each in range(500):
        inflated.clear()
        assert partition.get(random(each)) is None
        partition[random(each)] = {"n": {"N": str(each)}}
        assert len(inflated) <= 1
        if each % 100 == 99 or (each > 450 and each % 3 == 0):
            partition.pack(keep=0)
    assert partition.packed()[0] == len(partition) == 500
    assert all(partition[random(each)] == {"n": {"N": str(each)}} for each in range(500))


def test_a_copy_and_a_comparison_see_what_is_compressed():
    plain = {key: {"n": {"N": key}} for key in EVERY}
    partition = ColdPartition(plain)
    partition.pack(keep=0)
    assert partition.copy() == plain
    assert not partition != plain  # noqa: SIM202  # it is what is tested
    assert partition != {}
