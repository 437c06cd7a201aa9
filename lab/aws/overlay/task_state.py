"""One Task state: its time limits, its attempts, and a fresh token for each attempt.

AWS: TimeoutSeconds runs from the moment a task is scheduled, HeartbeatSeconds from the last sign of life; both may be
read from the input (`TimeoutSecondsPath`, `HeartbeatSecondsPath`); every attempt is a new task with a new token; a
callback task whose call fails has failed.
https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token

MiniStack: never looks at heartbeats, ignores both paths (a wait with a path lasts 99,999 s), starts the time-out of a
callback only after the call returned, keeps the first token for every retry, and swallows the failure of a callback's
Lambda function.

JSONPath only: a state in JSONata keeps MiniStack's own behaviour.
"""

from __future__ import annotations

import contextvars
import json
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from contextvars import ContextVar
from threading import Thread
from typing import Any

from lab.aws.engine import part
from lab.aws.overlay import timing
from lab.aws.overlay.retry import Retries
from lab.aws.overlay.task_tokens import TOKENS, await_callback

EXECUTION: ContextVar[dict[str, Any] | None] = ContextVar("current_execution", default=None)
"""The execution whose state is being run; what its role may do is decided by it."""

Stub = Callable[[str, Any, str | None], Any]
STUB: ContextVar[Stub | None] = ContextVar("resource_stub", default=None)
"""Takes the place of every Resource when one state machine is run alone: (resource, parameters, token) → result."""

_CALLBACK = ".waitForTaskToken"
_FOR_EVER = 10_000_000.0


def _limit(state: dict[str, Any], field: str, effective: Any, ctx: dict[str, Any]) -> float | None:
    """The state's own `field`, or the value its path names in the input; None if the state has neither."""
    sf = part("services.stepfunctions")
    if f"{field}Path" not in state:
        return float(state[field]) if field in state else None
    value = sf._resolve_path_or_ctx(state[f"{field}Path"], effective, ctx)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise sf._ExecutionError(
            "States.Runtime", f"{field}Path {state[f'{field}Path']!r} names {value!r}, not a positive integer"
        )
    return float(value)


def _within(deadline: float | None, call: Callable[[], Any]) -> Any:
    """The result of `call`, which is left behind (not stopped) when the deadline passes."""
    if deadline is None:
        return call()
    outcome: Future[Any] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, whatever it is
            outcome.set_exception(error)

    Thread(target=contextvars.copy_context().run, args=(run,), daemon=True, name="task").start()
    try:
        return outcome.result((deadline - timing.now()) * timing.SCALE.get())
    except Late:
        if outcome.done():  # a TimeoutError of the call itself
            raise
        raise part("services.stepfunctions")._ExecutionError("States.Timeout", "Task timed out") from None


def call_resource(resource: str, parameters: Any, token: str | None) -> Any:
    """What the Resource of a Task does, without waiting for a callback."""
    stub = STUB.get()
    if stub is not None:
        return stub(resource, parameters, token)
    return part("services.stepfunctions")._invoke_resource(resource.replace(_CALLBACK, ""), parameters)


def _attempt(state: dict[str, Any], raw_input: Any, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
    sf = part("services.stepfunctions")
    resource = state.get("Resource", "")
    is_callback = _CALLBACK in resource
    token = str(uuid.uuid4()) if is_callback else None
    if token:
        ctx["Task"] = {"Token": token}
    effective = sf._apply_input_path(state, raw_input, ctx)
    timeout = _limit(state, "TimeoutSeconds", effective, ctx)
    heartbeat = _limit(state, "HeartbeatSeconds", effective, ctx)
    parameters = sf._apply_parameters(state, effective, ctx)
    scheduled = {"resource": resource, "resourceType": "lambda" if "lambda" in resource else "states"}
    sf._add_event(execution, "TaskScheduled", {"taskScheduledEventDetails": scheduled})
    deadline = timing.now() + timeout if timeout is not None else None
    if token is None:
        return _within(deadline, lambda: call_resource(resource, parameters, None))
    waiting = TOKENS.open(token, execution["executionArn"])
    try:
        _within(deadline, lambda: call_resource(resource, parameters, token))
        return await_callback(waiting, deadline, heartbeat)
    finally:
        TOKENS.close(token)


def _execute(state: dict[str, Any], raw_input: Any, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
    sf = part("services.stepfunctions")
    resource = state.get("Resource", "")
    retries = Retries(state.get("Retry", []))
    EXECUTION.set(execution)
    while True:
        ctx["State"]["RetryCount"] = retries.total
        try:
            result = _attempt(state, raw_input, execution, ctx)
            done = {"output": json.dumps(result), "resource": resource}
            sf._add_event(execution, "TaskSucceeded", {"taskSucceededEventDetails": done})
            output = sf._apply_result_path(state, raw_input, sf._apply_result_selector(state, result))
            return sf._apply_output_path(state, output, ctx), sf._next_or_end(state)
        except sf._ExecutionError as failed:
            told = {"error": failed.error, "cause": failed.cause, "resource": resource}
            sf._add_event(execution, "TaskFailed", {"taskFailedEventDetails": told})
            if retries.again(failed.error):
                continue
            catcher = sf._find_matching_catcher(state.get("Catch", []), failed.error)
            if catcher is None:
                raise
            outcome = {"Error": failed.error, "Cause": failed.cause}
            return sf._apply_catcher(catcher, raw_input, ctx, "JSONPath", outcome), catcher["Next"]


def apply() -> None:
    """Replace the Task state of the interpreter."""
    sf = part("services.stepfunctions")
    stock = sf._execute_task

    def execute(state: dict[str, Any], raw_input: Any, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
        run = stock if sf._state_query_language(state, ctx) == "JSONata" else _execute
        return run(state, raw_input, execution, ctx)

    sf._execute_task = execute
