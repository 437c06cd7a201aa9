"""The row of a node, as DynamoDB keeps it."""

from dataclasses import replace

import pytest

from pstn.node.table import Beat, Buried, NodesTable, Row, TableError, owner_of
from tests.pstn.node.fixtures import NODES

BEAT = Beat("10.0.1.5:8443", room=7, calls=3, started_at=1000.5, draining=False, version="1.2", sip_ports=(5060, 5062))
UUID = "7d9f0a52-5a0e-4d7a-9d3e-0f6a1b2c3d4e"


def item(dynamodb, node):
    return dynamodb.get_item(TableName=NODES, Key={"kind": {"S": "node"}, "node": {"S": node}})["Item"]


def bury(dynamodb, node, buried):
    """As the platform does."""
    dynamodb.update_item(
        TableName=NODES,
        Key={"kind": {"S": "node"}, "node": {"S": node}},
        UpdateExpression="SET buried = :buried",
        ExpressionAttributeValues={":buried": {"BOOL": buried}},
    )


def test_what_a_node_writes(dynamodb):
    table = NodesTable(dynamodb, NODES, lambda: 2000.25)
    table.write("a1b2c3d4", BEAT)
    assert item(dynamodb, "a1b2c3d4") == {
        "kind": {"S": "node"},
        "node": {"S": "a1b2c3d4"},
        "address": {"S": "10.0.1.5:8443"},
        "room": {"N": "7"},
        "calls": {"N": "3"},
        "beat_at": {"N": "2000.250"},
        "started_at": {"N": "1000.500"},
        "draining": {"BOOL": False},
        "version": {"S": "1.2"},
        "sip_ports": {"NS": ["5060", "5062"]},
        "gone": {"BOOL": False},
        "expires_at": {"N": "88400"},
    }
    assert table.row("a1b2c3d4") == Row("a1b2c3d4", "10.0.1.5:8443", 2000.25)
    assert table.row("a1b2c3d5") is None


def test_a_row_that_is_no_node_s_hides_no_other(dynamodb):
    table = NodesTable(dynamodb, NODES, lambda: 2000.0)
    dynamodb.put_item(TableName=NODES, Item={"kind": {"S": "node"}, "node": {"S": "?"}})
    table.write("a1b2c3d4", BEAT)
    table.adopted("a1b2c3d4")
    assert table.rows() == [Row("a1b2c3d4", "10.0.1.5:8443", 2000.0, adopted=True)]


@pytest.mark.parametrize("buried", [False, True])
def test_a_node_that_was_declared_dead_cannot_write(dynamodb, buried):
    table = NodesTable(dynamodb, NODES)
    table.write("a1b2c3d4", BEAT)
    bury(dynamodb, "a1b2c3d4", buried)
    with pytest.raises(Buried):
        table.write("a1b2c3d4", BEAT)
    table.write("a1b2c3d5", BEAT)


ROW = Row("a1b2c3d4", "10.0.1.5:8443", 1000.0, adopted=True, buried=True)


@pytest.mark.parametrize(
    ("row", "now", "done"),
    [
        (ROW, 4600.0, False),
        (ROW, 4600.1, True),
        (replace(ROW, adopted=False), 9e9, False),
        (replace(ROW, adopted=False, gone=True), 4600.1, True),
        (replace(ROW, buried=False), 9e9, False),
    ],
)
def test_a_row_is_done_with_an_hour_after_the_last_beat_of_a_node_of_which_nothing_is_left(row, now, done):
    """Until then it keeps a process that was asleep from coming back to life."""
    assert row.is_done(now) is done


@pytest.mark.parametrize(("buried", "left"), [(None, 1), (False, 1), (True, 0)])
def test_only_the_row_of_a_node_whose_calls_are_closed_is_removed(dynamodb, buried, left):
    """Whatever the rows said when they were read; and once, if several nodes do."""
    table = NodesTable(dynamodb, NODES, lambda: 2000.0)
    table.write("a1b2c3d4", BEAT)
    if buried is not None:
        bury(dynamodb, "a1b2c3d4", buried)
    table.remove("a1b2c3d4")
    table.remove("a1b2c3d4")
    assert len(table.rows()) == left


def test_a_table_that_fails_says_how(dynamodb):
    table = NodesTable(dynamodb, "no-such-table")
    for ask in (table.rows, lambda: table.row("x"), lambda: table.write("x", BEAT), lambda: table.adopted("x")):
        with pytest.raises(TableError, match="ResourceNotFoundException"):
            ask()


@pytest.mark.parametrize(
    ("gone", "age", "dead"), [(False, 15.0, False), (False, 15.1, True), (True, 15.1, False), (False, -5.0, False)]
)
def test_a_node_is_dead_15_s_after_its_last_beat_unless_it_left(gone, age, dead):
    assert Row("a1b2c3d4", "10.0.1.5:8443", 2000.0, gone=gone).is_dead(2000.0 + age) is dead


@pytest.mark.parametrize(
    ("transaction", "owner"),
    [
        (f"a1b2c3d4-{UUID}", "a1b2c3d4"),
        (f"a1b2c3d4{UUID}", None),
        (f"A1B2C3D4-{UUID}", None),
        (f"a1b2c3d-{UUID}", None),
        (UUID, None),
        ("", None),
    ],
)
def test_the_owner_of_a_call_is_in_its_id(transaction, owner):
    assert owner_of(transaction) == owner
