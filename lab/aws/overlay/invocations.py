"""How invocations of functions fail without a fault of the function, and how asynchronous ones are delivered.

AWS: all functions of an account share its concurrency, 1,000 or, in a new account, 10; an invocation above it is
refused. A function's machine may end at any moment, and the answer of an invocation may be lost.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

AWS, asynchronous invocations: Lambda's own queue delivers at least once. What a function fails is tried twice more,
after one and two minutes (here seconds); a throttled one is tried again for up to six hours, with increasing pauses.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html

The retries and the destination are those of the version or alias that was invoked.

AWS: concurrency that is reserved for a function is that of all its versions and aliases together.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html

MiniStack: limits concurrency by the memory of the machine, counts a throttled asynchronous invocation as failed,
never tries again what EventBridge invokes, and looks for the configuration and the reservation of $LATEST alone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from lab.aws import switches
from lab.aws.fault_plan import PLAN
from lab.aws.ministack import ministack
from lab.aws.overlay import timing
from lab.aws.overlay.traces import Invocation

_LATEST_DEATH = 8
"""Requests of an invocation until which its process may be killed."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_RETRIES = 2


Watcher = Callable[[str, Any, "dict[str, Any] | None"], None]
"""(function, event, answer): with None as an invocation begins, and with {"result"} or {"error"} when it has ended."""
WATCHERS: list[Watcher] = []


def begun(invocation: Invocation, event: Any) -> None:
    """Tell the watchers, and decide whether and when the process of this invocation is killed."""
    for watcher in WATCHERS:
        watcher(invocation.function, event, None)
    behind_the_api = isinstance(event, dict) and "httpMethod" in event
    fault = "killed_requests" if behind_the_api else "killed_invocations"
    if PLAN.strikes(fault, invocation.function):
        chance = PLAN.chance("moment_of_death", invocation.function)
        invocation.dies_at = chance.randint(1, _LATEST_DEATH)
        invocation.dies = chance.choice(["before", "after"])


def ended(invocation: Invocation, event: Any, answer: dict[str, Any], request_id: str) -> dict[str, Any]:
    """The function's answer, or what Lambda says if its process was to be killed but made too few requests."""
    if invocation.dies_at and "error" not in answer:
        invocation.kill()
        message = f"RequestId: {request_id} Error: Runtime exited with error: signal: 9"
        answer = {"error": {"errorType": "Runtime.ExitError", "errorMessage": message}, "log": answer["log"]}
    for watcher in WATCHERS:
        watcher(invocation.function, event, answer)
    return answer


def skew(function: str) -> float:
    """By how many seconds the clock of its next process is fast."""
    seconds = switches.cloud().clock_skew_s
    if not seconds:
        return 0.0
    PLAN.count("clock_skew_s")
    return PLAN.chance("clock_skew_s", function).choice([-seconds, seconds])


def _slot(stock: Any, usual: int) -> Any:
    def acquire(function: dict[str, Any], config: dict[str, Any]) -> Any:
        svc = ministack("services.lambda_svc")
        svc._ACCOUNT_CONCURRENCY_CAP = switches.cloud().account_concurrency or usual
        slot, limit = stock(svc._functions.get(config["FunctionName"]) or function, config)
        if limit == "account":
            PLAN.count("account_concurrency")
        return slot, limit

    return acquire


def _invoke_async(function: dict[str, Any], event: dict[str, Any]) -> None:
    """Deliver an event to a function, once or twice."""
    name = (function.get("config") or function)["FunctionName"]
    for _ in range(2 if PLAN.strikes("repeated_events", f"event for {name}") else 1):
        threading.Thread(target=_deliver, args=(function, event), name="lambda-event", daemon=True).start()


def _deliver(function: dict[str, Any], event: dict[str, Any]) -> None:
    svc, responses = ministack("services.lambda_svc"), ministack("core.responses")
    config = function.get("config") or function
    account, region = ministack("core.lambda_runtime")._account_region_from_function_config(config)
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    _, qualifier = svc._resolve_name_and_qualifier(config["FunctionArn"])
    wanted = svc._event_invoke_config(svc._functions.get(config["FunctionName"]) or function, qualifier) or {}
    retries, failed, pause = wanted.get("MaximumRetryAttempts"), 0, _FIRST_PAUSE
    while True:
        result = svc._execute_function(function, event)
        if not result.get("error"):
            return
        failed += not result.get("throttle")
        if failed > (_RETRIES if retries is None else int(retries)):
            break
        if not timing.paused(pause):
            return
        pause = min(_LONGEST_PAUSE, pause * 2)
    destination = ((wanted.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    target = destination or (config.get("DeadLetterConfig") or {}).get("TargetArn")
    if target:
        svc._route_async_failure(target, config["FunctionName"], event, result)


def _dispatch(arn: str, payload: str) -> None:
    """EventBridge invokes a function."""
    svc = ministack("services.lambda_svc")
    function, config, _ = svc._get_func_record_for_ref(arn)
    if function and config:
        invoked = svc._execution_record_for_config(function, {**config, "FunctionArn": arn})
        svc.invoke_async_with_retry(invoked, json.loads(payload))


def apply() -> None:
    """Limit the account's concurrency, and deliver asynchronous invocations."""
    svc = ministack("services.lambda_svc")
    svc._acquire_execution_slot = _slot(svc._acquire_execution_slot, svc._ACCOUNT_CONCURRENCY_CAP)
    svc.invoke_async_with_retry = _invoke_async
    ministack("services.eventbridge")._dispatch_to_lambda = _dispatch
