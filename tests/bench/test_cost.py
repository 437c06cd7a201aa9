"""What the counts of a run come to, for one callback and on AWS."""

import pytest

from bench.callbacks import Costs
from bench.cost import FLOOR, bill, total
from bench.invocations import Invocations, read_log
from bench.meter import ItemWrite, Request, units_by_kind, write_units_of
from bench.report import ITSELF, MOST_UNITS, units_by_use, used
from duologue.domain.accounting.prices import PRICE_TABLES, Price
from duologue.domain.accounting.receipt import PRICES, Amounts

_LOG = [
    "START RequestId: 1 Version: $LATEST",
    '{"message": "é"}',
    "END RequestId: 1",
    "REPORT RequestId: 1\tDuration: 211 ms\tBilled Duration: 211 ms\tMemory Size: 2048 MB\tMax Memory Used: 70 MB",
    "START RequestId: 2 Version: $LATEST",
    "END RequestId: 2",
    "REPORT RequestId: 2\tDuration: 4.7 ms\tBilled Duration: 5 ms\tMemory Size: 512 MB\tMax Memory Used: 70 MB",
]


def test_a_log_tells_invocations_what_they_are_billed_and_its_own_size():
    read = read_log(_LOG)
    assert read.count == 2
    assert read.gb_seconds == pytest.approx(0.212 * 2 + 0.005 * 0.5)
    assert read.log_bytes == sum(map(len, _LOG)) + 1
    assert read - Invocations(1, read.gb_seconds, 0) == Invocations(1, 0, read.log_bytes)


def _write(kind: str, units: int, index: int = 0) -> ItemWrite:
    return ItemWrite("CallsTable", kind, units, {"by-app": index} if index else {}, grown=400, is_new=True)


def test_write_units_are_those_of_tables_and_indexes_and_of_refused_writes():
    requests = [
        Request("a", "dynamodb", "TransactWriteItems", writes=(_write("CALL", 4, 1), _write("FACT", 2))),
        Request("a", "dynamodb", "UpdateItem", refused=True, writes=(_write("CALL", 2),)),
        Request("a", "dynamodb", "GetItem", items_read=1, read_units=1),
    ]
    assert write_units_of(requests) == 9
    assert units_by_kind(requests) == {"CallsTable: CALL": 6, "CallsTable: FACT": 2, "CallsTable: index by-app": 1}


def test_write_units_by_what_they_are_for():
    """What nothing later has claimed is the call's own."""
    units = {
        "CallsTable: CALL": 40,
        "AccountsTable: SLOTS": 8,
        "CallsTable: index open-calls": 6,
        "CallsTable: index by-app": 12,
        "AccountsTable: MEMORY": 4,
        "AccountsTable: SOMETHING": 2,
        "ListsTable: app": 4,
        "ListsTable: usage": 2,
    }
    uses = units_by_use(units, callbacks=2)
    assert uses == {ITSELF: 27, "call memory": 2, "the events of an app": 6, "reconciliation": 1, "lists of calls": 3}
    assert sum(uses.values()) * 2 == sum(units.values())
    assert uses.keys() == MOST_UNITS.keys()
    assert units_by_use({"CallsTable: CALL": 5}, callbacks=1)["reconciliation"] == 0


def test_a_bill_is_amounts_times_prices():
    prices = {
        "state_transition": Price("Step Functions", "transition", 0.25, ""),
        "invocation": Price("Lambda", "request", 0.5, ""),
    }
    lines = bill({"state_transition": 3, "invocation": 10}, prices)
    assert [line.usd for line in lines] == [0.75, 5]
    assert total(lines) == 5.75


def test_a_callback_uses_its_share_of_what_a_run_used():
    costs = Costs(
        2,
        states=[["a", "b"], ["a", "b", "c", "d"]],
        requests=[
            Request("flow", "dynamodb", "PutItem", writes=(_write("CALL", 4, 2),)),
            Request("flow", "dynamodb", "GetItem", items_read=1, read_units=5),
            *[Request("outbox", "sqs", "SendMessageBatch")] * 6,
            *[Request("notify_sp", "kms", "Decrypt")] * 2,
        ],
        invocations={"callback_api": Invocations(2, 0.5, 4_000_000), "notify_sp": Invocations(10, 3.5, 6_000_000)},
        keep_days=73,
        polled=frozenset({"notify_sp"}),
        called=frozenset({"callback_api"}),
    )
    assert used(costs) == {
        "state_transition": 3,
        "write_unit": 3,
        "read_unit": 2.5,
        "stored_gb_month": pytest.approx((400 + 100) / 1e9 * 73 / 365 * 12 / 2),
        "invocation": 6,
        "gb_second": 2,
        "queue_request": (6 + 2 * 10) / 2,
        "api_request": 1,
        "key_request": 1,
        "log_gb": 0.005,
        "object_request": 0,
    }


def test_everything_that_a_callback_uses_has_a_price_with_its_source():
    prices = PRICE_TABLES[PRICES]
    assert set(used(Costs(1, states=[["a"]]))) <= set(prices) == set(Amounts._fields)
    assert 0 < total(bill(FLOOR._asdict(), prices)) < 0.0001
    assert all(price.usd > 0 and price.source.startswith("https://aws.amazon.com/") for price in prices.values())
