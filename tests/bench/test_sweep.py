"""What the sweeper asks of AWS for each thing that it looks at: the bench times it, this counts it."""

from bench import sweep

COUNT = 40
PER_ITEM = {
    "overdue calls that no flow took up": {
        "BatchGetItem": 1,
        "TransactWriteItems": 1,
        "SendTaskSuccess": 1,
        "GetItem": 1,
    },
    "overdue calls that were dialled": {
        "BatchGetItem": 2,
        "UpdateItem": 1,
        "end": 1,
        "TransactWriteItems": 1,
        "SendTaskSuccess": 1,
        "GetItem": 1,
    },
    "notifications that are due": {"UpdateItem": 1},
    "ended calls to be reconciled": {"Query": 1, "SendTaskSuccess": 1, "UpdateItem": 1},
}


def test_the_requests_for_each_thing_that_the_sweeper_looks_at(monkeypatch):
    """Beside the pages of the index, the messages of ten notifications each, the lists, and the file of all CDRs.

    Its state is over before it looks.
    """
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    found = {name: requests for name, _, _, requests in sweep.measure(COUNT)}
    each = {name: {what: number // COUNT for what, number in of.items()} for name, of in found.items()}
    assert {name: {what: number for what, number in of.items() if number} for name, of in each.items()} == PER_ITEM
    assert found["ended calls to be reconciled"]["PutObject"] == 1
    assert found["ended calls to be reconciled"]["BatchGetItem"] == -(-COUNT // 25)
    assert found["notifications that are due"]["SendMessageBatch"] == COUNT // 10
