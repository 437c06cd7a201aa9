"""What AWS counts by itself, and what functions count by lines of their logs.

AWS, embedded metric format: a line that is a JSON object with `_aws` is a datum of each metric that it names, under
each of its sets of dimensions.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

AWS, by service: Lambda counts each invocation, its errors, its duration, and what it throttles or takes for a loop; SQS
says each minute how many messages wait and how old the oldest is; API Gateway counts answers, and those with 4xx and
5xx; Step Functions how executions end; DynamoDB what it throttles; the network what its API throttles.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
https://docs.aws.amazon.com/chime-sdk/latest/dg/usage-metrics.html

Here: a datum counts in the minute of the cloud's clock (passing.py) in which it comes, not in that of its own
timestamp; a metric has its latest 60 minutes with data.

MiniStack: counts direct invocations alone, by the machine's clock, and keeps each datum for two weeks.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any

from lab.aws.ministack import ministack
from lab.aws.overlay import passing

KEPT_MINUTES = 60
BEGAN: ContextVar[float] = ContextVar("began", default=0.0)
"""When the handler of the invocation that has just ended on this thread was called; 0: it was not."""
_lock = threading.Lock()
_ENDED = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


class _CloudClock:
    """The `time` module for CloudWatch: the cloud's clock."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def time(self) -> float:
        return passing.now()


before_a_datum: Callable[[], None] = lambda: None  # noqa: E731 - alarms.py replaces it
"""Called before a datum is counted: the minutes before it may be over."""


def record(
    namespace: str, name: str, value: float, unit: str = "None", dimensions: Mapping[str, str] | None = None
) -> None:
    """Count one datum, now."""
    before_a_datum()
    put(namespace, name, value, unit, dimensions, at=passing.now())


def put(namespace: str, name: str, value: float, unit: str, dimensions: Mapping[str, str] | None, *, at: float) -> None:
    """Count one datum in the minute of `at`, in seconds of the cloud's clock; data come in the order of their times."""
    cloudwatch, given = ministack("services.cloudwatch"), dict(dimensions or {})
    minute = math.floor(at / 60) * 60.0
    with _lock:
        points = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(given)))
        if points and points[-1]["Timestamp"] == minute and "_stat" in points[-1]:
            stat = points[-1]["_stat"]
            stat["SampleCount"] += 1
            stat["Sum"] += value
            stat["Minimum"], stat["Maximum"] = min(stat["Minimum"], value), max(stat["Maximum"], value)
            return
        shared = points[-1]["Dimensions"] if points else given
        stat = {"SampleCount": 1, "Sum": value, "Minimum": value, "Maximum": value}
        points.append({"Timestamp": minute, "Value": value, "Unit": unit, "Dimensions": shared, "_stat": stat})
        del points[:-KEPT_MINUTES]


def embedded(lines: Iterable[str]) -> None:
    """Count what these lines of a log say in the embedded metric format."""
    for line in lines:
        if '"_aws"' not in line:
            continue
        try:
            said = json.loads(line)
            directives = said["_aws"]["CloudWatchMetrics"]
        except (ValueError, KeyError, TypeError):  # a line that only mentions it
            continue
        for directive in directives:
            for names in directive["Dimensions"]:
                dimensions = {name: str(said[name]) for name in names}
                for metric in directive["Metrics"]:
                    values = said[metric["Name"]]
                    for value in values if isinstance(values, list) else [values]:
                        unit = metric.get("Unit", "None")
                        record(directive["Namespace"], metric["Name"], float(value), unit, dimensions)


def sample(end: float) -> None:
    """What SQS says of its queues at the end of a minute of the cloud's clock."""
    back, sqs = passing.now() - end, ministack("services.sqs")
    for queue in list(sqs._queues._data.values()):
        there = list(queue["messages"])
        name = {"QueueName": queue["attributes"]["QueueArn"].rpartition(":")[2]}
        ages = [passing.age(message["sent_at"]) - back for message in there]
        waiting = sum(message["visible_at"] <= time.time() for message in there)
        put("AWS/SQS", "ApproximateNumberOfMessagesVisible", waiting, "Count", name, at=end - 1)
        put("AWS/SQS", "ApproximateAgeOfOldestMessage", max([0.0, *ages]), "Seconds", name, at=end - 1)


def answered(api_id: str, stage: str, status: int) -> None:
    """API Gateway has answered a request."""
    api = ministack("services.apigateway_v1")._rest_apis.get(api_id) or {}
    alone = {"ApiName": str(api.get("name"))}
    for dimensions in (alone, alone | {"Stage": stage}):
        record("AWS/ApiGateway", "Count", 1, "Count", dimensions)
        record("AWS/ApiGateway", "4XXError", int(400 <= status < 500), "Count", dimensions)
        record("AWS/ApiGateway", "5XXError", int(status >= 500), "Count", dimensions)


def stream_read(function: str, created: float) -> None:
    """A function is given a batch whose last record was made at this time of the machine's clock."""
    record("AWS/Lambda", "IteratorAge", passing.age(created) * 1000, "Milliseconds", {"FunctionName": function})


def throttled_by_dynamodb(tables: Iterable[str], *, writes: bool) -> None:
    """A request was refused as too fast, as a whole or in part."""
    for table in set(tables):
        name = "WriteThrottleEvents" if writes else "ReadThrottleEvents"
        record("AWS/DynamoDB", name, 1, "Count", {"TableName": table})


def network_answered(operation: str, status: int) -> None:
    """An API of Amazon Chime SDK has answered a request."""
    dimensions = {"Service": "ChimeSDK", "Type": "API", "Resource": operation, "Class": "None"}
    record("AWS/Usage", "CallCount", 1, "Count", dimensions)
    record("AWS/Usage", "ThrottleCount", int(status == 429), "Count", dimensions)


def _invoked(stock: Any) -> Any:
    def dispatch(
        function: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> dict[str, Any]:
        BEGAN.set(0.0)
        result: dict[str, Any] = stock(function, config, event, request_id, started)
        body = result.get("body")
        if isinstance(body, dict) and body.get("errorType") == "RecursiveInvocationException":
            return result  # nothing was invoked
        name = {"FunctionName": config["FunctionName"]}
        record("AWS/Lambda", "Invocations", 1, "Count", name)
        record("AWS/Lambda", "Errors", int(bool(result.get("error"))), "Count", name)
        record("AWS/Lambda", "Duration", passing.age(BEGAN.get() or started) * 1000, "Milliseconds", name)
        return result

    return dispatch


def _throttled(stock: Any) -> Any:
    def acquire(function: dict[str, Any], config: dict[str, Any]) -> Any:
        slot, limit = stock(function, config)
        name = {"FunctionName": config["FunctionName"]}
        record("AWS/Lambda", "Throttles", int(slot is None), "Count", name)
        return slot, limit

    return acquire


def _execution_changed(stock: Any) -> Any:
    def emit(execution: dict[str, Any]) -> None:
        machine = {"StateMachineArn": execution["stateMachineArn"]}
        record("AWS/States", _ENDED[execution["status"]], 1, "Count", machine)
        stock(execution)

    return emit


def apply() -> None:
    """Count invocations and executions; other points of the overlay count the rest."""
    cloudwatch, svc, states = (ministack(f"services.{name}") for name in ("cloudwatch", "lambda_svc", "stepfunctions"))
    cloudwatch.time = _CloudClock()
    cloudwatch.record_metric = record
    svc._emit_lambda_metrics = lambda *_, **__: None
    svc._execute_function_dispatch = _invoked(svc._execute_function_dispatch)
    svc._acquire_execution_slot = _throttled(svc._acquire_execution_slot)
    states._emit_execution_status_event = _execution_changed(states._emit_execution_status_event)
