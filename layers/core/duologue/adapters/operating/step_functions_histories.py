"""The states that a call's flow has passed through, from the history of its execution.

The history of a standard execution is kept for 90 days after its end.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of, outside
from duologue.call_control.trace import FlowStep

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_FAILED = ("Failed", "TimedOut", "Aborted")


class StepFunctionsHistories:
    """Implements `usecases.ports.traces.FlowHistories`."""

    def __init__(self, client: SFNClient, state_machine: str) -> None:
        """`state_machine`: its ARN."""
        self._client = client
        self._executions = state_machine.replace(":stateMachine:", ":execution:")

    def steps(self, call_id: str) -> Sequence[FlowStep]:
        pages = self._client.get_paginator("get_execution_history").paginate(
            executionArn=f"{self._executions}:{call_id}", includeExecutionData=False
        )
        try:
            with outside("state machine"):
                return _steps(event for page in pages for event in page["events"])
        except ClientError as error:
            if code_of(error) == "ExecutionDoesNotExist":
                return ()
            raise


def _steps(events: Iterable[Mapping[str, Any]]) -> list[FlowStep]:
    """One state is entered after another: the machine has no parallel branches.

    A state whose error is caught exits like any other; the error is that of the last failure before.
    """
    steps: list[FlowStep] = []
    error = ""
    for event in events:
        kind: str = event["type"]
        if kind.endswith("StateEntered"):
            steps.append(FlowStep(event["stateEnteredEventDetails"]["name"], event["timestamp"]))
            error = ""
        elif kind.endswith("StateExited") and steps:
            steps[-1] = replace(steps[-1], left_at=event["timestamp"], error=error)
        elif kind.endswith(_FAILED):
            error = _error_of(event) or kind
            if kind.startswith("Execution") and steps and steps[-1].left_at is None:
                steps[-1] = replace(steps[-1], left_at=event["timestamp"], error=error)
        elif kind in ("TaskSucceeded", "TaskScheduled"):  # a retry begins anew
            error = ""
    return steps


def _error_of(event: Mapping[str, Any]) -> str:
    """The name of the error, which is in an attribute that is named after the kind of the event."""
    return next((str(each["error"]) for each in event.values() if isinstance(each, dict) and "error" in each), "")
