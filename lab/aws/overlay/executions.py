"""Starting, stopping and timing out a whole execution.

AWS: for a Standard workflow StartExecution is idempotent: the same name and the same input while the execution runs
answers 200 with the same ARN and start date; another input, or a name whose execution has ended (for 90 days), is
`ExecutionAlreadyExists`. A name is 1 to 80 characters of a set. The TimeoutSeconds of the state machine ends the
execution as TIMED_OUT.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html

MiniStack: every repeated name is `ExecutionAlreadyExists`, any name is accepted, the state machine's TimeoutSeconds is
ignored, a stopped execution keeps waiting for its callback, and each start takes 150 ms.
"""

from __future__ import annotations

import contextvars
import json
import re
import time
from threading import Timer
from typing import Any

from lab.aws import switches
from lab.aws.ministack import ministack
from lab.aws.overlay import timing
from lab.aws.overlay.task_tokens import TOKENS

_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")


START_SECONDS = 0.01
"""Delay between StartExecution and the first state."""
TIMER = "execution-limit"
"""Name of the threads that end an execution at its TimeoutSeconds."""


class _Clock:
    """The `time` module for the interpreter, whose only sleep is the delay before the first state."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, _: float) -> None:
        timing.sleep(START_SECONDS)


def _start(stock: Any) -> Any:
    def start(data: dict[str, Any]) -> Any:
        sf = ministack("services.stepfunctions")
        name = data.get("name")
        if name is not None and not _NAME.fullmatch(name):
            return sf.error_response_json("InvalidName", f"Invalid Name: '{name}'", 400)
        try:
            json.loads(data.get("input") or "{}")
        except ValueError:
            return sf.error_response_json("InvalidExecutionInput", "Invalid State Machine Execution Input", 400)
        running = _running(data)
        if running is not None:
            return sf.json_response({"executionArn": running["executionArn"], "startDate": running["startDate"]})
        return stock(data)

    return start


def _running(data: dict[str, Any]) -> dict[str, Any] | None:
    """The running execution that this request repeats, or None."""
    sf = ministack("services.stepfunctions")
    base = sf._resolve_state_machine_arn(data.get("stateMachineArn", ""))
    if base is None or not data.get("name"):
        return None
    machine = sf._state_machines[base]["name"]
    arn = f"arn:aws:states:{sf.get_region()}:{sf.get_account_id()}:execution:{machine}:{data['name']}"
    execution: dict[str, Any] | None = sf._executions.get(arn)
    if execution is None or execution["status"] != "RUNNING" or execution["input"] != data.get("input", "{}"):
        return None
    return execution


def _stop(stock: Any) -> Any:
    def stop(data: dict[str, Any]) -> Any:
        answer = stock(data)
        TOKENS.stop(data.get("executionArn", ""))
        return answer

    return stop


def _run(stock: Any) -> Any:
    def run(arn: str) -> None:
        switches.keep()
        limit = _time_limit(arn)
        timer = Timer(limit or 0.0, contextvars.copy_context().run, (_time_out, arn))
        timer.name, timer.daemon = TIMER, True
        if limit is not None:
            timer.start()
        try:
            stock(arn)
        except timing.Halted:
            return
        finally:
            timer.cancel()  # it would wait for the whole limit: a thread for each execution of the last day

    return run


def _time_limit(arn: str) -> float | None:
    sf = ministack("services.stepfunctions")
    machine = sf._state_machines.get(sf._executions[arn]["stateMachineArn"])
    limit = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
    return None if limit is None else float(limit)


def _time_out(arn: str) -> None:
    sf = ministack("services.stepfunctions")
    execution = sf._executions.get(arn)
    if execution is None or execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", stopDate=sf.now_iso(), error="States.Timeout", cause=None)
    sf._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}})
    TOKENS.stop(arn)
    sf._emit_execution_status_event(execution)


def apply() -> None:
    """Replace StartExecution and StopExecution, and apply the state machine's time limit."""
    sf = ministack("services.stepfunctions")
    sf._start_execution = _start(sf._start_execution)
    sf._stop_execution = _stop(sf._stop_execution)
    sf._run_execution = _run(sf._run_execution)
    sf.time = _Clock()
