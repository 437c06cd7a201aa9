"""Faults of Lambda to inject in tests: a throttled function, and a function that dies at one of its requests to AWS.

with dies("duologue-Flow", at="dynamodb:UpdateItem", when="after"):
    …

Rule: a fault affects the given number of next invocations, and ends with its block.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from lab.aws.ministack import ministack
from lab.aws.overlay.lambda_task import throttle
from lab.aws.overlay.own_services import operation

_OWN = "own:"


@contextmanager
def throttled(function: str, *, times: int = 1) -> Iterator[None]:
    """Lambda refuses the next invocations of this function by a state machine: `Lambda.TooManyRequestsException`."""
    throttle(function, times)
    try:
        yield
    finally:
        throttle(function, 0)


@contextmanager
def dies(function: str, *, at: str, when: Literal["before", "after"], times: int = 1) -> Iterator[list[str]]:
    """Kill the function's process when it requests an operation, before or after the operation was carried out.

    `at`: for example `dynamodb:UpdateItem` or `chime:CreateSipMediaApplicationCall`, of a service that uses JSON with
    targets, or one of the lab's own. Yields a list that gets one entry per death. The cloud must check permissions
    (`auth`), because a request is attributed to the function by its credentials.
    """
    service, _, wanted = at.partition(":")
    handlers = ministack("app").SERVICE_HANDLERS
    name = f"{_OWN}{service}" if f"{_OWN}{service}" in handlers else service
    stock, key, deaths = handlers[name], _access_key(function), list[str]()

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        if len(deaths) == times or _operation(name, method, path, headers, query) != wanted:
            return await stock(method, path, headers, body, query)
        if key not in headers.get("authorization", ""):
            return await stock(method, path, headers, body, query)
        deaths.append(at)
        answer: Any = (500, {}, b"")
        if when == "after":
            answer = await stock(method, path, headers, body, query)
        _kill(function)
        return answer

    handlers[name] = handle
    try:
        yield deaths
    finally:
        handlers[name] = stock


def _operation(name: str, method: str, path: str, headers: Mapping[str, str], query: Any) -> str | None:
    if name.startswith(_OWN):
        return operation(name.removeprefix(_OWN), method, path, query)
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _access_key(function: str) -> str:
    responses = ministack("core.responses")  # this thread serves no request that would say whose function it is
    responses.set_request_account_id(os.environ["MINISTACK_ACCOUNT_ID"])
    responses.set_request_region(os.environ["MINISTACK_REGION"])
    _, config, _ = ministack("services.lambda_svc")._get_func_record_for_ref(function)
    assert config is not None, f"there is no function {function!r}"
    assert ministack("app").AUTH, "without permissions every function has the same credentials"
    return str(ministack("core.lambda_runtime").execution_credentials(config)["AWS_ACCESS_KEY_ID"])


def _kill(function: str) -> None:
    for workers in list(ministack("core.lambda_runtime")._workers.values()):
        for worker in workers:
            process = worker._proc
            if worker.func_name == function and worker.in_use and process is not None:
                process.kill()
