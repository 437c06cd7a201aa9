"""The functions' lines of one call, from CloudWatch Logs.

Each log group is asked twice: for lines that contain the call's id, and for lines of the invocations that logged those.
So a stack trace or "Task timed out" is found as well, though it names no call.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import outside
from duologue.usecases.ports.logs import LogLine

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_OF_LAMBDA = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START", '{"_aws"')
"""How lines begin that Lambda writes about every invocation, and metrics."""
_REQUESTS = 20
"""In one pattern, which has at most 1,024 characters."""
_SHOWN = {"timestamp", "level", "message", "function_request_id"}
_OF_NO_USE = {"service", "location", "xray_trace_id"}


class CloudWatchCallLogs:
    """Implements `usecases.ports.logs.CallLogs`. `prefix`: of the log groups, such as `/duologue/<stack>/`."""

    def __init__(self, client: "CloudWatchLogsClient", prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def lines(self, call_id: str, since: datetime) -> Sequence[LogLine]:
        with outside("logs"):
            pages = self._client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=self._prefix)
            groups = [group["logGroupName"] for page in pages for group in page["logGroups"]]
            found = [line for group in groups for line in self._of_call(group, call_id, since)]
        return sorted(found, key=lambda line: line.at)

    def _of_call(self, group: str, call_id: str, since: datetime) -> list[LogLine]:
        named = list(self._filtered(group, f'"{call_id}"', since))
        requests = list(dict.fromkeys(line.request for line in named if line.request))
        others = [
            line
            for place in range(0, len(requests), _REQUESTS)
            for line in self._filtered(group, _any_of(requests[place : place + _REQUESTS]), since)
            if line not in named and "call_id" not in (line.fields or {})
        ]
        return named + others

    def _filtered(self, group: str, pattern: str, since: datetime) -> Iterator[LogLine]:
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=group, filterPattern=pattern, startTime=int(since.timestamp() * 1000)
        )
        for page in pages:
            for event in page["events"]:
                if not event["message"].startswith(_OF_LAMBDA):
                    yield _line(group.rpartition("/")[2], event["timestamp"], event["message"].rstrip())


def _any_of(texts: Sequence[str]) -> str:
    return " ".join(f'?"{text}"' for text in texts)


def _line(function: str, at: int, text: str) -> LogLine:
    """A JSON line's own time is more exact than that of the event: when the line reached CloudWatch."""
    try:
        parts: dict[str, Any] = json.loads(text)
        when = datetime.fromisoformat(parts["timestamp"])
        level, message, request = parts["level"], str(parts["message"]), parts["function_request_id"]
    except (ValueError, KeyError, TypeError):
        return LogLine(datetime.fromtimestamp(at / 1000, UTC), function, "", text)
    fields = {name: value for name, value in parts.items() if name not in _SHOWN | _OF_NO_USE and value is not None}
    return LogLine(when, function, level, message, request or "", fields)
