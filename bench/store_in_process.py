"""A boto3 client of DynamoDB whose requests go to the local cloud's code in this process, without HTTP."""

from collections.abc import Callable, Coroutine
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest

from bench.answers import Answer, header_text
from lab.aws.ministack import ACCOUNT, REGION, ministack

Handle = Callable[..., Coroutine[Any, Any, Any]]
CarryOut = Callable[[str, Handle, tuple[Any, ...]], Coroutine[Any, Any, Any]]
"""(operation, the store's handler, its arguments) → what the handler returns."""
_NOBODY: dict[str, Any] = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}


def dynamodb(carry_out: CarryOut) -> Any:
    """The client, on an empty store; `carry_out` is called for each request, and never waits."""
    responses = ministack("core.responses")
    responses.set_request_account_id(ACCOUNT)
    responses.set_request_region(REGION)
    ministack("services.dynamodb").reset()
    client = boto3.client("dynamodb", region_name=REGION, **_NOBODY)

    def send(request: AWSPreparedRequest, **_: Any) -> Answer:
        headers = {name.lower(): header_text(value) for name, value in request.headers.items()}
        operation = headers["x-amz-target"].rpartition(".")[2]
        body = request.body if isinstance(request.body, bytes) else str(request.body).encode()
        handle = ministack("services.dynamodb").handle_request
        status, said, answer = _result(carry_out(operation, handle, ("POST", "/", headers, body, {})))
        return Answer(int(status), said, answer if isinstance(answer, bytes) else answer.encode())

    answer: Any = send  # the stubs know of no handler that returns something
    client.meta.events.register("before-send.dynamodb", answer)
    return client


def rows_of(table: str) -> dict[str, dict[str, dict[str, Any]]]:
    """By partition and sort key, as the store keeps them. `table`: the beginning of its name."""
    tables = ministack("services.dynamodb")._tables
    (name,) = (name for name in tables if name.startswith(table))
    kept: dict[str, dict[str, dict[str, Any]]] = tables[name]["items"]
    return kept


def _result(never_waits: Coroutine[Any, Any, Any]) -> Any:
    try:
        never_waits.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the store waits for something")
