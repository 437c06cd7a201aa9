"""How much of the past is kept in memory.

AWS keeps stream records for 24 hours, the token of a transaction for 10 minutes, ended executions for 90 days, and log
events as long as the group's retention says. MiniStack keeps all of it in memory, most of it for ever, so that a lab
grew by 0.3 MB per callback. Here the newest are kept: of what a person or a program looks at, that of about the last
hundred callbacks. Items of tables are never dropped; equal attribute values share one object.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html (ClientRequestToken)
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (execution history retention)
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from lab.aws.ministack import ministack

STREAM_RECORDS = 3000
"""Of each table; one that no reader has had yet may be among those dropped only after so many more."""
TRANSACTIONS = 500
"""Tokens of transactions: an SDK repeats a request within seconds."""
EXECUTIONS = 100
"""Ended ones. A name whose execution was dropped may be used again."""
LOG_EVENTS = 300
"""Of each log stream; twice as many before the oldest are dropped, since a reader's position is a count of them."""
LOG_STREAMS = 20
"""Of each log group, those written last. A stream is an environment's: functions that are killed begin many."""
BUS_EVENTS = 100
"""Of EventBridge, which nobody can read."""
VALUES, LONGEST = 2_000, 200
"""Attribute values that are looked for, and the length up to which they are."""

READS = ("stream_start_position", "stream_end_position", "stream_records_since")
"""What event sources read by, on threads of their own."""
_streams = threading.RLock()
"""A record's position counts those that were dropped, so nobody reads records while some are dropped."""
_transactions: deque[str] = deque()
_ended: deque[str] = deque()
_values: dict[tuple[str, str], dict[str, str]] = {}


def _trim_stream(stock: Any) -> Any:
    def trim(table: str, *, account_id: str | None = None, region: str | None = None) -> None:
        db = ministack("services.dynamodb")
        scope = account_id or db.get_account_id(), region or db.get_region()
        with _streams:
            stock(table, account_id=account_id, region=region)
            records = db._stream_records.get_scoped(*scope, table) or []
            surplus = len(records) - STREAM_RECORDS
            if surplus > 0:
                del records[:surplus]
                db._stream_trimmed.set_scoped(*scope, table, db._stream_trimmed.get_scoped(*scope, table, 0) + surplus)

    return trim


def _build_record(stock: Any) -> Any:
    """With the item itself that the table keeps as the new image, not with one that is equal."""

    def build(table: dict[str, Any], event: str, old: Any, new: Any, view: str) -> Any:
        kept = ministack("services.dynamodb")._get_item_by_key(table, new) if new else None
        return stock(table, event, old, kept if kept == new else new, view)

    return build


def _read_stream(stock: Any) -> Any:
    def read(*args: Any, **more: Any) -> Any:
        with _streams:
            return stock(*args, **more)

    return read


def _bound_streams(db: Any) -> None:
    db._trim_stream_records = _trim_stream(db._trim_stream_records)
    db._build_change_record = _build_record(db._build_change_record)
    for read in READS:
        setattr(db, read, _read_stream(getattr(db, read)))


def _store_token(stock: Any) -> Any:
    def store(token: str, entry: dict[str, Any]) -> None:
        stock(token, entry)
        _transactions.append(token)
        if len(_transactions) > TRANSACTIONS:
            ministack("services.dynamodb")._txn_idempotency.pop(_transactions.popleft(), None)

    return store


def _set_item(stock: Any) -> Any:
    def set_item(table: dict[str, Any], partition: str, sort: str, item: dict[str, Any]) -> Any:
        return stock(table, partition, sort, {name: _shared(value) for name, value in item.items()})

    return set_item


def _shared(value: dict[str, Any]) -> dict[str, Any]:
    """An equal attribute value that is already kept. MiniStack replaces the values of an item, and changes none."""
    if len(value) != 1:
        return value
    [(kind, content)] = value.items()
    if kind not in ("S", "N") or len(content) > LONGEST:
        return value
    if len(_values) >= VALUES:
        _values.clear()
    return _values.setdefault((kind, content), value)


def _append(stock: Any) -> Any:
    def append(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        stock(stream, events)
        with ministack("services.cloudwatch_logs")._log_events_lock:
            if len(stream["events"]) > 2 * LOG_EVENTS:
                del stream["events"][:-LOG_EVENTS]

    return append


def _create_stream(stock: Any) -> Any:
    def create(data: dict[str, Any]) -> Any:
        logs = ministack("services.cloudwatch_logs")
        answer = stock(data)
        with logs._log_events_lock:
            streams = (logs._log_groups.get(data.get("logGroupName")) or {}).get("streams", {})
            while len(streams) > LOG_STREAMS:
                del streams[min(streams, key=lambda name: _last_written(streams[name]))]
        return answer

    return create


def _last_written(stream: dict[str, Any]) -> int:
    return int(stream["lastEventTimestamp"] or stream["creationTime"])


def _run(stock: Any) -> Any:
    def run(execution: str) -> None:
        try:
            stock(execution)
        finally:
            _ended.append(execution)
            while len(_ended) > EXECUTIONS:
                ministack("services.stepfunctions")._executions.pop(_ended.popleft(), None)

    return run


def _events(stock: Any) -> Any:
    def events() -> list[dict[str, Any]]:
        kept: list[dict[str, Any]] = stock()
        del kept[:-BUS_EVENTS]
        return kept

    return events


def reset() -> None:
    """Another cloud begins."""
    _transactions.clear()
    _ended.clear()
    _values.clear()


def apply() -> None:
    """Bound each of MiniStack's collections where it grows."""
    db, logs = ministack("services.dynamodb"), ministack("services.cloudwatch_logs")
    flows, bus = ministack("services.stepfunctions"), ministack("services.eventbridge")
    _bound_streams(db)
    db._txn_token_store = _store_token(db._txn_token_store)
    db._set_item = _set_item(db._set_item)
    logs._create_log_stream = _create_stream(logs._create_log_stream)
    logs._append_log_events = _append(logs._append_log_events)
    flows._run_execution = _run(flows._run_execution)
    bus._events_log_list = _events(bus._events_log_list)
