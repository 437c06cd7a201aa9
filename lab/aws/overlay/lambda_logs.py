"""Where the log of an invocation goes.

AWS: each execution environment has a log stream of its own, whose name the function has in `context.log_stream_name`.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html

MiniStack: a log stream for each invocation, with another name; none is ever dropped.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

from lab.aws.ministack import ministack
from lab.aws.overlay import metrics

STREAM: ContextVar[str] = ContextVar("log_stream", default="")
"""Of the environment that has just served an invocation on this thread; empty: MiniStack chooses."""


def group_of(config: dict[str, Any]) -> str:
    """The log group of a function, `config` being its GetFunctionConfiguration."""
    return str((config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}")


def _emit(stock: Any) -> Any:
    def emit(function: dict[str, Any], request_id: str, text: str, error: bool, duration_ms: int, **more: Any) -> None:
        stream = STREAM.get()
        STREAM.set("")
        if not stream:
            stock(function, request_id, text, error, duration_ms, **more)
            return
        config = function.get("config") or function
        report = (
            f"REPORT RequestId: {request_id}\tDuration: {duration_ms} ms\tBilled Duration: {duration_ms} ms\t"
            f"Memory Size: {config.get('MemorySize', 128)} MB\t"
            f"Max Memory Used: {ministack('services.lambda_svc')._probe_peak_memory_mb(function)} MB"
        )
        start = f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}"
        lines = text.splitlines()
        _write(group_of(config), stream, [start, *lines, f"END RequestId: {request_id}", report])
        metrics.embedded(lines)

    return emit


def _write(group: str, stream: str, lines: list[str]) -> None:
    logs, place = ministack("services.cloudwatch_logs"), {"logGroupName": group, "logStreamName": stream}
    logs._create_log_group(place)  # refused if it exists, and so is the stream
    logs._create_log_stream(place)
    found = (logs._log_groups.get(group) or {}).get("streams", {}).get(stream)
    if found is None:  # deleted meanwhile
        return
    at = int(time.time() * 1000)
    logs._append_log_events(found, [{"timestamp": at, "message": line, "ingestionTime": at} for line in lines])
    logs._fanout_to_subscription_filters(group, stream, [{"timestamp": at, "message": line} for line in lines])


def apply() -> None:
    """Replace what writes the log of an invocation."""
    svc = ministack("services.lambda_svc")
    svc._emit_lambda_logs = _emit(svc._emit_lambda_logs)
