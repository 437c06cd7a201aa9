"""A Task state: its time limits, attempts and history, with a new token for each attempt.

AWS: TimeoutSeconds counts from when a task is scheduled, HeartbeatSeconds from the last heartbeat; both may be read
from the input (`TimeoutSecondsPath`, `HeartbeatSecondsPath`); every attempt is a new task with a new token; a callback
task whose call fails has failed. The history has TaskScheduled with the parameters, TaskStarted, TaskSubmitted when a
callback's call has returned, then TaskSucceeded, TaskFailed or TaskTimedOut; `resource` and `resourceType` are the two
parts of a Resource. Each attempt has its own token and `State.RetryCount`; `State.EnteredTime` stays.
https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html

MiniStack: ignores heartbeats and both paths (a wait with a path lasts 99,999 s), starts the time-out of a callback only
after its call has returned, keeps the first token for every retry, ignores the failure of a callback's Lambda function,
and records neither parameters nor TaskStarted, TaskSubmitted and TaskTimedOut.

JSONPath only: a state in JSONata keeps MiniStack's own behaviour.
"""

from __future__ import annotations

import contextvars
import json
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextvars import ContextVar
from threading import Thread
from typing import Any

from lab.aws import switches
from lab.aws.ministack import ministack
from lab.aws.overlay import timing
from lab.aws.overlay.retry import Retries
from lab.aws.overlay.task_tokens import TOKENS, await_callback, new_token

EXECUTION: ContextVar[dict[str, Any] | None] = ContextVar("current_execution", default=None)
"""The execution whose state is running; its role determines what is allowed."""


_CALLBACK = ".waitForTaskToken"
_LONGEST = 99_999_999
"""The maximum of TimeoutSeconds and HeartbeatSeconds, from either source."""


def _limit(state: dict[str, Any], field: str, effective: Any, ctx: dict[str, Any]) -> float | None:
    """The state's `field`, or the value at its path in the input; None if the state has neither."""
    sf = ministack("services.stepfunctions")
    if f"{field}Path" not in state:
        return float(state[field]) if field in state else None
    value = sf._resolve_path_or_ctx(state[f"{field}Path"], effective, ctx)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LONGEST:
        raise sf._ExecutionError(
            "States.Runtime",
            f"{field}Path {state[f'{field}Path']!r} names {value!r}, not an integer from 1 to {_LONGEST}",
        )
    return float(value)


def _started(call: Callable[[], Any]) -> Future[Any]:
    """Run `call` on a thread of its own, in the context of this execution."""
    outcome: Future[Any] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, whatever it is
            outcome.set_exception(error)

    Thread(target=contextvars.copy_context().run, args=(run,), daemon=True, name="task").start()
    return outcome


def _within(deadline: float | None, call: Callable[[], Any], *, unless: Future[Any] | None = None) -> Any:
    """The result of `call`, which is abandoned (not stopped) if the deadline passes or `unless` is done first."""
    if deadline is None and unless is None:
        return call()
    outcome = _started(call)
    wait([outcome, *([unless] if unless else [])], timing.left(deadline), FIRST_COMPLETED)
    if unless is not None and unless.done():
        return None
    if not outcome.done():
        raise ministack("services.stepfunctions")._ExecutionError("States.Timeout", "Task timed out")
    return outcome.result()


def call_resource(resource: str, parameters: Any) -> Any:
    """The result of a Task's Resource, without waiting for a callback."""

    def call() -> Any:
        return ministack("services.stepfunctions")._invoke_resource(resource.replace(_CALLBACK, ""), parameters)

    repeated = switches.current().repeated_invocation
    if ":::lambda:invoke" in resource and repeated != "none":
        first = _started(call)
        if repeated == "in_turn":
            first.exception()  # waits for its end; its outcome is what Step Functions never heard of
    return call()


def _about(resource: str) -> dict[str, Any]:
    """A Resource as written in the history: `aws-sdk:dynamodb` and `updateItem.waitForTaskToken`, for example."""
    kind, _, what = resource.rpartition(":::")[2].rpartition(":")
    return {"resourceType": kind or "lambda", "resource": what}


def _attempt(state: dict[str, Any], raw_input: Any, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
    sf = ministack("services.stepfunctions")
    resource = state.get("Resource", "")
    token = new_token() if _CALLBACK in resource else None
    ctx.pop("Task", None)
    if token:
        ctx["Task"] = {"Token": token}
    effective = sf._apply_input_path(state, raw_input, ctx)
    timeout = _limit(state, "TimeoutSeconds", effective, ctx)
    heartbeat = _limit(state, "HeartbeatSeconds", effective, ctx)
    parameters = sf._apply_parameters(state, effective, ctx)
    scheduled = {**_about(resource), "region": sf.get_region(), "parameters": json.dumps(parameters)}
    limits = {"timeoutInSeconds": timeout, "heartbeatInSeconds": heartbeat}
    scheduled |= {name: int(seconds) for name, seconds in limits.items() if seconds is not None}
    sf._add_event(execution, "TaskScheduled", {"taskScheduledEventDetails": scheduled})
    sf._add_event(execution, "TaskStarted", {"taskStartedEventDetails": _about(resource)})
    deadline = time.monotonic() + timeout if timeout is not None else None
    if token is None:
        return _within(deadline, lambda: call_resource(resource, parameters))
    waiting = TOKENS.open(token, execution["executionArn"])
    at_once = waiting.completion if waiting.early == "at_once" else None
    try:
        answer = _within(deadline, lambda: call_resource(resource, parameters), unless=at_once)
        if at_once is None or not at_once.done():
            submitted = {**_about(resource), "output": json.dumps(answer, default=str)}
            sf._add_event(execution, "TaskSubmitted", {"taskSubmittedEventDetails": submitted})
        TOKENS.returned(waiting)
        return await_callback(waiting, deadline, heartbeat)
    finally:
        TOKENS.close(token)


def _failed(execution: dict[str, Any], resource: str, error: str, cause: str) -> None:
    kind = "TimedOut" if error in {"States.Timeout", "States.HeartbeatTimeout"} else "Failed"
    details = {**_about(resource), "error": error, "cause": cause}
    ministack("services.stepfunctions")._add_event(execution, f"Task{kind}", {f"task{kind}EventDetails": details})


def _execute(state: dict[str, Any], raw_input: Any, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
    sf = ministack("services.stepfunctions")
    resource = state.get("Resource", "")
    retries = Retries(state.get("Retry", []))
    EXECUTION.set(execution)
    while True:
        ctx["State"]["RetryCount"] = retries.total
        try:
            result = _attempt(state, raw_input, execution, ctx)
            done = {**_about(resource), "output": json.dumps(result)}
            sf._add_event(execution, "TaskSucceeded", {"taskSucceededEventDetails": done})
            output = sf._apply_result_path(state, raw_input, sf._apply_result_selector(state, result))
            return sf._apply_output_path(state, output, ctx), sf._next_or_end(state)
        except sf._ExecutionError as failed:
            _failed(execution, resource, failed.error, failed.cause)
            if retries.again(failed.error):
                continue
            catcher = sf._find_matching_catcher(state.get("Catch", []), failed.error)
            if catcher is None:
                raise
            outcome = {"Error": failed.error, "Cause": failed.cause}
            return sf._apply_catcher(catcher, raw_input, ctx, "JSONPath", outcome), catcher["Next"]


def apply() -> None:
    """Replace the Task state of the interpreter."""
    sf = ministack("services.stepfunctions")
    stock = sf._execute_task

    def execute(state: dict[str, Any], raw_input: Any, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
        run = stock if sf._state_query_language(state, ctx) == "JSONata" else _execute
        return run(state, raw_input, execution, ctx)

    sf._execute_task = execute
