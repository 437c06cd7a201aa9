"""A stream whose oldest records are dropped while an event source reads it."""

import sys
import threading

import pytest

from lab.aws.ministack import ministack
from lab.aws.overlay import retention

RECORDS, KEPT = 20_000, 50


@pytest.fixture
def db(monkeypatch):
    """MiniStack's tables, with threads that change as often as they can."""
    db = ministack("services.dynamodb")
    for name in ("_trim_stream_records", *retention.READS):
        monkeypatch.setattr(db, name, getattr(db, name))  # so that it is restored
    monkeypatch.setattr(retention, "STREAM_RECORDS", KEPT)
    retention._bound_streams(db)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield db
    sys.setswitchinterval(before)
    db._stream_records.pop("calls", None)
    db._stream_trimmed.pop("calls", None)


def test_each_position_has_its_record(db):
    """Record n is at position n for every reader, as long as it is kept."""
    records = db._stream_records["calls"] = []

    def write():
        for number in range(RECORDS):
            records.append({"number": number})
            db._trim_stream_records("calls")

    writer, wrong = threading.Thread(target=write), []
    writer.start()
    while writer.is_alive():
        position = max(0, db.stream_end_position("calls") - KEPT // 2)
        read = [each["number"] for each in db.stream_records_since("calls", position, 1)]
        if db.stream_start_position("calls") <= position and read not in ([position], []):
            wrong.append((position, read))
    writer.join()
    assert not wrong
    assert db.stream_start_position("calls") == RECORDS - KEPT
    kept = [each["number"] for each in db.stream_records_since("calls", 0, KEPT)]
    assert kept == list(range(RECORDS - KEPT, RECORDS))
