"""The flow in AWS Step Functions: one execution a call, named by the call's id."""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.aws import code_of, outside
from duologue.domain.errors import CallStopping

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_WOKEN_BEFORE = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}


class StepFunctionsFlows:
    """Plays `usecases.ports.Flows`."""

    def __init__(self, client: "SFNClient", state_machine: str) -> None:
        self._client = client
        self._state_machine = state_machine

    def start(self, call_id: str, request: dict[str, Any]) -> None:
        try:
            with outside("state machine"):
                self._client.start_execution(
                    stateMachineArn=self._state_machine, name=call_id, input=json.dumps(request)
                )
        except ClientError as error:
            if code_of(error) != "ExecutionAlreadyExists":  # the name is taken by our own first try (R13)
                raise

    def resume(self, token: str) -> None:
        try:
            with outside("state machine"):
                self._client.send_task_success(taskToken=token, output="{}")
        except ClientError as error:
            if code_of(error) not in _WOKEN_BEFORE:
                raise

    def interrupt(self, token: str) -> None:
        try:
            with outside("state machine"):
                self._client.send_task_failure(taskToken=token, error=CallStopping.__name__)
        except ClientError as error:
            if code_of(error) not in _WOKEN_BEFORE:
                raise
