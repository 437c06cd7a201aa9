"""What functions did, by their logs: Lambda writes START, what was printed, END and REPORT for each invocation."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_REPORT = re.compile(r"REPORT .*?Duration: ([\d.]+) ms.*?Memory Size: (\d+) MB", re.DOTALL)


@dataclass(frozen=True)
class Invocations:
    """Of one function. `gb_seconds`: as Lambda bills them, each invocation rounded up to a millisecond."""

    count: int = 0
    gb_seconds: float = 0.0
    log_bytes: int = 0

    def __sub__(self, earlier: "Invocations") -> "Invocations":
        return Invocations(
            self.count - earlier.count, self.gb_seconds - earlier.gb_seconds, self.log_bytes - earlier.log_bytes
        )


def read_log(messages: Iterable[str]) -> Invocations:
    """The lines of one log group."""
    count, gb_seconds, size = 0, 0.0, 0
    for message in messages:
        size += len(message.encode())
        count += message.startswith("START ")
        if report := _REPORT.match(message):
            gb_seconds += (int(float(report[1])) + 1) / 1000 * int(report[2]) / 1024
    return Invocations(count, gb_seconds, size)


def of_function(client: Callable[[str], Any], name: str) -> Invocations:
    """Since the cloud started. `client`: gives a boto3 client of a service by its name."""
    logs, configuration = client("logs"), client("lambda").get_function_configuration(FunctionName=name)
    group = configuration.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    try:
        return read_log(event["message"] for page in pages for event in page["events"])
    except logs.exceptions.ResourceNotFoundException:  # it was never invoked
        return Invocations()
