"""The flow in AWS Step Functions: one execution per call, named by the call's id."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of, outside
from duologue.domain.errors import CallStopping

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from duologue.usecases.ports.flows import FlowOrder

_WAIT_IS_OVER = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}


class StepFunctionsFlows:
    """Implements `usecases.ports.flows.Flows`."""

    def __init__(self, client: SFNClient, state_machine: str) -> None:
        self._client = client
        self._state_machine = state_machine

    def start(self, order: FlowOrder) -> None:
        try:
            with outside("state machine"):
                self._client.start_execution(
                    stateMachineArn=self._state_machine, name=order.call_id, input=json.dumps(_input(order))
                )
        except ClientError as error:
            if code_of(error) != "ExecutionAlreadyExists":  # started by our own first attempt (R13)
                raise

    def resume(self, token: str) -> bool:
        try:
            with outside("state machine"):
                self._client.send_task_success(taskToken=token, output="{}")
        except ClientError as error:
            if code_of(error) not in _WAIT_IS_OVER:
                raise
            return False
        return True

    def interrupt(self, token: str) -> None:
        try:
            with outside("state machine"):
                self._client.send_task_failure(taskToken=token, error=CallStopping.__name__)
        except ClientError as error:
            if code_of(error) not in _WAIT_IS_OVER:
                raise


def _input(order: FlowOrder) -> dict[str, Any]:
    """The input: an id and seconds, no telephone numbers and nothing of the SP."""
    return {
        "callId": order.call_id,
        "callerWaitSeconds": _seconds(order.caller_wait),
        "calleeWaitSeconds": _seconds(order.callee_wait),
        "talkSeconds": _seconds(order.talk),
        "lastMinuteSeconds": _seconds(order.last_minute),
    }


def _seconds(wait: timedelta) -> int:
    return max(1, int(wait.total_seconds()))
