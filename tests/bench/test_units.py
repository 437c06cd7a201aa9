"""What DynamoDB charges, by its developer guide; and the local store's own sizes beside ours."""

import pytest

from bench.units import index_units, item_bytes, read_units, write_units
from lab.aws.ministack import ministack


def _item(size: int, **more: str) -> dict[str, dict[str, str]]:
    """One of so many bytes, its key `pk` and the names of all its attributes included."""
    rest = {name: {"S": value} for name, value in more.items()}
    return {"pk": {"S": "x" * (size - 2 - item_bytes(rest))}, **rest}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "né"}, 3),
        ({"N": "0"}, 1),
        ({"N": "-12345"}, 5),
        ({"N": "20261123"}, 5),
        ({"B": "aGVsbG8="}, 5),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["one", "three"]}, 8),
        ({"L": [{"S": "ab"}, {"BOOL": False}]}, 8),
        ({"M": {"name": {"S": "ab"}}}, 10),
    ],
)
def test_an_item_is_as_large_as_its_names_and_values(value, size):
    item = {"four": value}
    assert item_bytes(item) == 4 + size == ministack("services.dynamodb")._item_size_bytes(item)


@pytest.mark.parametrize(("size", "units"), [(1, 1), (1024, 1), (1025, 2), (2048, 2), (2049, 3)])
def test_a_write_costs_a_unit_for_each_kilobyte_begun(size, units):
    assert write_units(None, _item(max(size, 2))) == units
    assert write_units(None, _item(max(size, 2)), transactional=True) == 2 * units


def test_a_write_is_charged_by_the_larger_of_before_and_after():
    assert write_units(_item(3000), _item(10)) == write_units(_item(10), _item(3000)) == 3
    assert write_units(_item(3000), None) == 3


def test_a_write_of_what_is_not_there_costs_one():
    """A refused one, or the deletion of nothing."""
    assert write_units(None, None) == 1


def test_an_index_costs_what_its_entry_changes():
    keys, projected = ["open"], ["open", "pk"]

    def units(before, after):
        return index_units(keys, projected, before, after)

    closed, opened, moved = _item(100), _item(100, open="1"), _item(100, open="2")
    assert units(closed, closed) == 0
    assert units(None, opened) == units(opened, closed) == 1
    assert units(opened, moved) == 2
    assert units(opened, opened | {"other": {"S": "y"}}) == 0
    assert index_units(keys, None, opened, opened | {"other": {"S": "y" * 1900}}) == 2


@pytest.mark.parametrize(("size", "units"), [(0, 1), (4096, 1), (4097, 2)])
def test_a_read_costs_a_unit_for_each_four_kilobytes_begun(size, units):
    assert read_units(size, consistent=True) == units
    assert read_units(size) == units / 2
    assert read_units(size, transactional=True) == 2 * units
