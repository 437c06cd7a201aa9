"""What calls leave where more people look than in the store: executions, queues, logs, object keys."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.aws.ministack import ministack
from lab.lab import Lab


@contextmanager
def messages(lab: Lab) -> Iterator[list[str]]:
    """Every request to SQS from now on, so every message that is sent, with its attributes."""
    handlers, sent = ministack("app").SERVICE_HANDLERS, []
    stock = handlers["sqs"]

    async def heard(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        sent.append(body.decode() + json.dumps(query))
        return await stock(method, path, headers, body, query)

    handlers["sqs"] = heard
    try:
        yield sent
    finally:
        handlers["sqs"] = stock


def executions(lab: Lab) -> dict[str, str]:
    """By its name, the input, the output and the whole history of each."""
    flows = lab.client("stepfunctions")
    told = {}
    for page in flows.get_paginator("list_executions").paginate(stateMachineArn=lab.outputs["CallbackFlow"]):
        for execution in page["executions"]:
            arn = execution["executionArn"]
            history = flows.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=True)
            events = [event for page in history for event in page["events"]]
            told[execution["name"]] = json.dumps([flows.describe_execution(executionArn=arn), events], default=str)
    return told


def log_lines(lab: Lab) -> list[str]:
    """Of every function, as CloudWatch Logs has them."""
    logs = lab.client("logs")
    lines = []
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            events = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            lines += [event["message"] for page in events for event in page["events"]]
    return lines


def counted_metrics(lab: Lab) -> set[str]:
    """The names of the metrics that the functions counted."""
    said = [json.loads(line) for line in log_lines(lab) if line.startswith('{"_aws"')]
    return {
        metric["Name"] for each in said for group in each["_aws"]["CloudWatchMetrics"] for metric in group["Metrics"]
    }


def object_keys(lab: Lab) -> list[str]:
    s3 = lab.client("s3")
    keys = []
    for bucket in s3.list_buckets()["Buckets"]:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            keys += [each["Key"] for each in page.get("Contents", [])]
    return keys


def items(lab: Lab) -> list[str]:
    """Of every table, with what is stored as bytes decoded where it is text."""
    dynamodb = lab.client("dynamodb")
    found = []
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            found += [f"{table} {json.dumps(item, default=_text)}" for item in page["Items"]]
    return found


def _text(value: bytes | set[Any]) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else repr(value)
