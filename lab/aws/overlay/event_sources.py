"""Event source mappings: how a DynamoDB stream and a FIFO queue feed a function.

AWS, streams: a failed batch is retried with increasing delays until it succeeds, until MaximumRetryAttempts is reached
or until its records are older than MaximumRecordAgeInSeconds; then it goes to OnFailure and the shard moves on.
BisectBatchOnFunctionError splits the failed batch in two, without counting that as an attempt. ReportBatchItemFailures
continues from the lowest sequence number reported. A batch that did not reach its throttled function counts no attempt.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html

AWS, FIFO: order is kept within a message group; groups are processed concurrently, though a batch may have messages of
several; a failed message blocks only its own group, until it is visible again.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html

AWS, any queue: messages of a failed batch are hidden until their visibility time-out; a batch that did not reach its
throttled function is tried again until then.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
A mapping is refused if the queue's visibility timeout is shorter than the function's timeout.

MiniStack: a stream's failed batch is retried every second without limit and blocks every other mapping while it runs; a
FIFO queue has one batch at a time for all its groups, so one slow receiver delays all of them.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from lab.aws import switches
from lab.aws.fault_plan import PLAN
from lab.aws.ministack import ministack
from lab.aws.overlay import metrics, timing

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 10.0
_FIFO_GROUPS = 5
"""FIFO batches of one mapping that run at once when MaximumConcurrency is not set; AWS has one per active group."""


@dataclass
class Segment:
    """Stream positions from `start` to before `end`, passed to the function as one batch."""

    start: int
    end: int
    attempts: int = 0


@dataclass
class Shard:
    """How far one mapping has read one stream. A segment to be retried comes before all later records."""

    position: int
    pending: deque[Segment] = field(default_factory=deque)
    not_before: float = 0.0
    busy: bool = False


_shards: dict[str, Shard] = {}


def reported(body: Any) -> list[str]:
    """The item identifiers of a partial batch response; [""] if the response has no valid item."""
    if not isinstance(body, dict):
        return []
    failures = body.get("batchItemFailures") or []
    return [str((failure or {}).get("itemIdentifier") or "") for failure in failures]


def after_failure(segment: Segment, numbers: list[str], failed: list[str] | None, *, bisect: bool) -> list[Segment]:
    """What remains to be processed of a failed segment.

    `numbers` are its records' sequence numbers in order; `failed` those reported, or None if the function as a whole
    failed.
    """
    at = 0
    if failed and all(number in numbers for number in failed):
        at = min(numbers.index(number) for number in failed)
    first, size = segment.start + at, segment.end - segment.start - at
    if bisect and at == 0 and size > 1:
        middle = first + size // 2
        return [Segment(first, middle, segment.attempts), Segment(middle, segment.end, segment.attempts)]
    return [Segment(first, segment.end, segment.attempts + 1 if at == 0 else 1)]


def _run(esm: dict[str, Any], function: Any, table: str, shard: Shard, segment: Segment) -> None:
    svc, ddb = ministack("services.lambda_svc"), ministack("services.dynamodb")
    records = ddb.stream_records_since(table, segment.start, segment.end - segment.start)
    wanted = svc._apply_filter_criteria(records, esm)
    try:
        if wanted:
            name = (function.get("config") or function)["FunctionName"]
            metrics.stream_read(name, float(records[-1]["dynamodb"].get("ApproximateCreationDateTime", time.time())))
        result = svc._execute_function(function, {"Records": wanted}) if wanted else {}
        if result.get("throttle"):
            shard.pending.appendleft(segment)
            shard.not_before = time.monotonic() + _FIRST_PAUSE
            return
        failed = None
        if not result.get("error"):
            partial = "ReportBatchItemFailures" in (esm.get("FunctionResponseTypes") or [])
            failed = reported(result.get("body")) if partial else []
        if failed == []:
            esm["LastProcessingResult"] = f"OK - {len(wanted)} records"
            _advance(esm, shard, segment.end)
            return
        esm["LastProcessingResult"] = "PROBLEM: Function call failed"
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        bisect = _is_true(esm.get("BisectBatchOnFunctionError"))
        _retry(esm, function, shard, after_failure(segment, numbers, failed, bisect=bisect), records, result)
    finally:
        shard.busy = False


def _retry(
    esm: dict[str, Any], function: Any, shard: Shard, left: list[Segment], records: list[Any], result: Any
) -> None:
    """Queue what is left again, or give it up."""
    most, oldest = esm.get("MaximumRetryAttempts"), esm.get("MaximumRecordAgeInSeconds")
    head = left[0]
    spent = most is not None and int(most) >= 0 and head.attempts > int(most)
    created = float(records[0]["dynamodb"].get("ApproximateCreationDateTime", time.time())) if records else time.time()
    aged = oldest is not None and int(oldest) > 0 and time.time() - created > int(oldest)
    _advance(esm, shard, head.start)
    if spent or aged:
        condition = "RetryAttemptsExhausted" if spent else "MaxRecordAgeExceeded"
        dropped = records[-(head.end - head.start) :] if len(left) == 1 else records
        source = esm["EventSourceArn"]
        ministack("services.lambda_svc")._send_ddb_stream_failure_record(
            esm, function, dropped, source, result, condition
        )
        _advance(esm, shard, left[-1].end)
        return
    shard.pending.extendleft(reversed(left))
    shard.not_before = time.monotonic() + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** max(0, head.attempts - 1))


def _advance(esm: dict[str, Any], shard: Shard, position: int) -> None:
    shard.position = max(shard.position, position)
    shard.not_before = 0.0
    ministack("services.lambda_svc")._dynamodb_stream_positions[esm["UUID"]] = shard.position


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _next_segment(esm: dict[str, Any], table: str, shard: Shard) -> Segment | None:
    if shard.pending:
        return shard.pending.popleft()
    ddb = ministack("services.dynamodb")
    shard.position = max(shard.position, ddb.stream_start_position(table))
    count = len(ddb.stream_records_since(table, shard.position, int(esm.get("BatchSize", 100))))
    if count > 1 and switches.cloud().stream_batches == "split":
        whole, count = count, PLAN.chance("stream_batches", table).randint(1, count)
        if count < whole:
            PLAN.count("stream_batches")
    return Segment(shard.position, shard.position + count) if count else None


def _poll_streams() -> bool:
    svc, ddb = ministack("services.lambda_svc"), ministack("services.dynamodb")
    found = False
    for account, region, esm in svc._iter_all_esms():
        if not _is_true(esm.get("Enabled", True)) or ":dynamodb:" not in esm.get("EventSourceArn", ""):
            continue
        known = _shards.get(esm["UUID"])
        if known and (known.busy or known.not_before > time.monotonic()):
            continue
        scopes = svc._request_account_id.set(account), svc._request_region.set(region)
        try:
            table = esm["EventSourceArn"].split("/stream/")[0].rsplit("/", 1)[-1]
            function, _ = svc._get_func_record_for_qualifier(esm["FunctionName"], esm.get("Qualifier"))
            record = ddb._tables.get(table)
            if function is None or not record or record.get("LatestStreamArn") != esm["EventSourceArn"]:
                continue
            svc._init_stream_position(esm["UUID"], esm["EventSourceArn"], esm.get("StartingPosition", "LATEST"))
            start = svc._dynamodb_stream_positions[esm["UUID"]]
            shard = _shards.setdefault(esm["UUID"], Shard(start))
            segment = _next_segment(esm, table, shard)
            if segment is not None:
                shard.busy = found = True
                svc._dispatch_esm_batch(esm["UUID"], _run, esm, function, table, shard, segment)
        finally:
            svc._request_account_id.reset(scopes[0])
            svc._request_region.reset(scopes[1])
    return found


def _soonest_retry() -> float:
    """Seconds until a failed batch is due, at most 1."""
    now = time.monotonic()
    return min([1.0, *(shard.not_before - now for shard in list(_shards.values()) if shard.not_before > now)])


def _poll_queues(stock: Any) -> Any:
    """Look closer only if a message of any queue may be received."""

    def poll() -> bool:
        queues, now = list(ministack("services.sqs")._queues._data.values()), time.time()
        return any(m["visible_at"] <= now for queue in queues for m in list(queue["messages"])) and bool(stock())

    return poll


def _poll() -> None:
    """Check for work whenever a source has changed, a batch has ended or a retry is due; ends with the cloud."""
    svc = ministack("services.lambda_svc")
    while not timing.halted():
        svc._esm_wake.clear()
        found = False
        for look in (svc._poll_sqs, svc._poll_dynamodb_streams):
            try:
                found = look() or found
            except Exception:  # for example, a mapping was deleted meanwhile; the next round sees that
                svc.logger.exception("An event source could not be read")
        if not found:
            svc._esm_wake.wait(max(0.01, _soonest_retry()))


def _receive(stock: Any) -> Any:
    """For a FIFO queue: the next messages of one group, or of several, that have none in flight."""

    def receive(url: str, most: int) -> list[dict[str, Any]]:
        sqs = ministack("services.sqs")
        queue = sqs._queues.get(url)
        if not queue or not queue.get("is_fifo"):
            received: list[dict[str, Any]] = stock(url, most)
            return received
        with sqs._queues_lock:
            sqs._expire_retained(queue)
            sqs._dlq_sweep(queue)
            visibility, now = int(queue["attributes"].get("VisibilityTimeout", "30")), time.time()
            held = {m["group_id"] for m in queue["messages"] if m["visible_at"] > now and m["receive_count"] > 0}
            free = [m for m in queue["messages"] if m["visible_at"] <= now and m["group_id"] not in held]
            if not free:
                return []
            if switches.cloud().fifo_batches == "one_group":
                free = [m for m in free if m["group_id"] == free[0]["group_id"]]
            batch = free[: min(int(most or 1), 10)]
            for message in batch:
                message["receipt_handle"] = sqs.new_uuid()
                message["visible_at"] = now + visibility
                message["receive_count"] += 1
                message["first_receive_at"] = message.get("first_receive_at") or now
            return batch

    return receive


def _run_messages(
    esm: dict[str, Any], function: Any, event: dict[str, Any], batch: list[dict[str, Any]], url: str, _: str
) -> None:
    """Give one batch to its function, and delete from the queue what it did not fail."""
    svc = ministack("services.lambda_svc")
    hidden_until, pause = min(message["visible_at"] for message in batch), _FIRST_PAUSE
    result = svc._execute_function(function, event)
    while result.get("throttle") and time.time() + pause < hidden_until and timing.paused(pause):
        pause = min(_LONGEST_PAUSE, pause * 2)
        result = svc._execute_function(function, event)
    if result.get("error"):
        esm["LastProcessingResult"] = "PROBLEM: Function call failed"
        return
    partial = "ReportBatchItemFailures" in (esm.get("FunctionResponseTypes") or [])
    failed = set(reported(result.get("body"))) if partial else set()
    done = {message["receipt_handle"] for message in batch if message["id"] not in failed}
    esm["LastProcessingResult"] = f"OK - {len(done)} records, {len(batch) - len(done)} failed"
    if not failed <= {message["id"] for message in batch}:
        return  # the response is not valid, so the whole batch failed
    if not batch[0]["group_id"] and PLAN.strikes("repeated_events", f"message for {esm['FunctionArn']}"):
        for message in batch:  # at-least-once delivery: it stays, and is there again at once
            message["visible_at"] = time.time()
        svc._esm_wake.set()
    else:
        ministack("services.sqs")._delete_messages_for_esm(url, done)


def _concurrency(stock: Any) -> Any:
    def concurrency(esm: dict[str, Any], function: Any, config: Any, queue: dict[str, Any] | None = None) -> int:
        svc = ministack("services.lambda_svc")
        if not (queue or {}).get("is_fifo"):
            return int(stock(esm, function, config, queue))
        most = int((esm.get("ScalingConfig") or {}).get("MaximumConcurrency") or _FIFO_GROUPS)
        reserved = svc._reserved_concurrency(function, config)
        return most if reserved is None else min(most, reserved)

    return concurrency


def _visibility_error(source: str, reference: str) -> str | None:
    """AWS's error message if a queue may not be mapped to a function, or None."""
    svc, sqs = ministack("services.lambda_svc"), ministack("services.sqs")
    function, config, _ = svc._get_func_record_for_ref(reference)
    queue = sqs._queue_by_arn(source) if ":sqs:" in source else None
    if not function or not config or queue is None:
        return None
    visibility, timeout = int(queue["attributes"].get("VisibilityTimeout", "30")), int(config.get("Timeout", 3))
    if visibility >= timeout:
        return None
    return f"Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds"


def _create(stock: Any) -> Any:
    def create(data: dict[str, Any]) -> Any:
        wrong = _visibility_error(data.get("EventSourceArn", ""), data.get("FunctionName", ""))
        if wrong:
            return ministack("core.responses").error_response_json("InvalidParameterValueException", wrong, 400)
        return stock(data)

    return create


def _provision(stock: Any, place: int) -> Any:
    """Wraps a CloudFormation handler whose `place`-th argument is the mapping's properties."""

    def provision(*args: Any, **more: Any) -> Any:
        wrong = _visibility_error(args[place].get("EventSourceArn", ""), args[place].get("FunctionName", ""))
        if wrong:
            raise ValueError(f"AWS::Lambda::EventSourceMapping: {wrong}")
        return stock(*args, **more)

    return provision


def reset() -> None:
    """Forget every mapping's position; the next cloud starts its own poller."""
    _shards.clear()
    svc = ministack("services.lambda_svc")
    svc._esm_wake.set()
    svc._poller_started = False


def apply() -> None:
    """Replace the poller, its reading of streams, and how a FIFO queue is read."""
    svc, sqs = ministack("services.lambda_svc"), ministack("services.sqs")
    svc._poll_loop, svc._poll_sqs, svc._poll_dynamodb_streams = _poll, _poll_queues(svc._poll_sqs), _poll_streams
    sqs._receive_messages_for_esm = _receive(sqs._receive_messages_for_esm)
    svc._run_sqs_batch = _run_messages
    svc._sqs_esm_concurrency = _concurrency(svc._sqs_esm_concurrency)
    svc._create_esm = _create(svc._create_esm)
    mapping = ministack("services.cloudformation.provisioners")._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    mapping["create"], mapping["update"] = _provision(mapping["create"], 1), _provision(mapping["update"], 2)
