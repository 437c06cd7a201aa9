"""One state machine alone: its definition is interpreted, its resources are replaced by a function, its time is scaled.

    flow = Flow(definition, resources)
    run = flow.start({"call": "1"})
    flow.succeed(run.token("Wait for the answer"), {"answered": True})
    run.finish()
    assert run.visited == ["Ring the caller", "Ring the callee", …]

The interpreter is the same as in the lab, with the overlay and its switches; no cloud needs to be running.
"""

from __future__ import annotations

import contextvars
import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.aws import overlay, switches
from lab.aws.invocation import FunctionFailed
from lab.aws.ministack import ACCOUNT, REGION, ministack
from lab.aws.overlay import timing
from lab.aws.overlay.lambda_task import function_error
from lab.aws.overlay.task_state import STUB, Stub
from lab.aws.overlay.task_tokens import TOKENS
from lab.aws.overlay.timing import Clock
from lab.aws.switches import CloudSwitches

_numbers = itertools.count(1)
_POLL_SECONDS = 0.002

DIED = "Runtime.ExitError"
"""Raised by a stubbed function to simulate its death: `raise FunctionFailed(DIED)`."""
RAN_OUT_OF_TIME = "Sandbox.Timedout"
THROTTLED = "Lambda.TooManyRequestsException"
"""Raised by a stubbed resource, as StateFailed, for a function that was not invoked."""


def definition(document: Path, **substitutions: str) -> dict[str, Any]:
    """An ASL document in YAML or JSON, with DefinitionSubstitutions filled in.

    Raises:
        AssertionError: a `${Name}` is left over.
    """
    text = document.read_text(encoding="utf-8")
    for name, value in substitutions.items():
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text, f"no value for {text[text.index('${') :].split('}')[0]}}}"
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


class StateFailed(Exception):
    """Raised by a stubbed resource: the task fails with this error name.

    Attributes:
        error: as in ErrorEquals, for example `ChimeSdkVoice.ThrottledClientException`.
    """

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


@dataclass(frozen=True)
class Task:
    """One attempt of a Task state as its resource sees it; `token` only for a callback."""

    state: str
    resource: str
    parameters: Any
    token: str | None

    @property
    def payload(self) -> Any:
        """The event for the function of a `lambda:invoke` task."""
        return self.parameters["Payload"]


class Run:
    """One execution."""

    def __init__(self, record: dict[str, Any], tasks: list[Task]) -> None:
        self._record, self.tasks = record, tasks

    @property
    def status(self) -> str:
        """RUNNING, SUCCEEDED, FAILED or TIMED_OUT."""
        return str(self._record["status"])

    @property
    def output(self) -> Any:
        """The output of the execution; None while it runs or if it failed."""
        return json.loads(self._record["output"]) if self.status == "SUCCEEDED" else None

    @property
    def error(self) -> str | None:
        """The error name that ended the execution, or None."""
        return self._record.get("error")

    @property
    def cause(self) -> str | None:
        """The text beside `error`."""
        return self._record.get("cause")

    @property
    def visited(self) -> list[str]:
        """The states entered so far, in order."""
        entered = (event.get("stateEnteredEventDetails") for event in self._record["events"])
        return [str(details["name"]) for details in entered if details]

    def token(self, state: str, *, attempt: int = 1, seconds: float = 5.0) -> str:
        """Wait, in real seconds, for the task token of the n-th attempt of a callback state.

        Raises:
            AssertionError: the state was not reached in time.
        """

        def tokens() -> list[str]:
            return [task.token for task in self.tasks if task.state == state and task.token]

        self._until(lambda: len(tokens()) >= attempt, seconds, f"{state!r} was not reached")
        return tokens()[attempt - 1]

    def finish(self, seconds: float = 10.0) -> Run:
        """Wait, in real seconds, until the execution has ended.

        Raises:
            AssertionError: it did not end in time.
        """
        self._until(lambda: self.status != "RUNNING", seconds, "the execution did not end")
        return self

    def _until(self, true: Callable[[], bool], seconds: float, otherwise: str) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"{otherwise}; visited: {self.visited}, {self.status}"
            time.sleep(_POLL_SECONDS)


class Flow:
    """A state machine whose resources are one function.

    Args:
        definition: the ASL document.
        resources: what a Task does; returns its result or raises StateFailed, or for a function `FunctionFailed`. For
            a callback its result is ignored.
        returned: called when the call of a callback has returned, just before the wait for its token.
        clock: of its executions; by default a second of theirs is a millisecond.
        behaviour: what AWS's documentation leaves open.
    """

    def __init__(
        self,
        definition: Mapping[str, Any],
        resources: Callable[[Task], Any],
        *,
        returned: Callable[[Task], None] = lambda task: None,
        clock: Clock | None = None,
        behaviour: CloudSwitches | None = None,
    ) -> None:
        overlay.apply()
        timing.resume()
        self._resources, self._returned = resources, returned
        self._clock, self._behaviour = clock or Clock(0.001), behaviour or CloudSwitches()
        sf = ministack("services.stepfunctions")
        self._arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:flow-{next(_numbers)}"
        name = self._arn.rsplit(":", 1)[-1]
        role = f"arn:aws:iam::{ACCOUNT}:role/flow"
        sf._state_machines[self._arn] = {
            "stateMachineArn": self._arn,
            "name": name,
            "definition": json.dumps(definition),
            "roleArn": role,
            "type": "STANDARD",
        }

    def start(self, given: Any, *, name: str = "run") -> Run:
        """Start one execution with this input."""
        sf = ministack("services.stepfunctions")
        arn = f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}-{next(_numbers)}"
        record: dict[str, Any] = {
            "executionArn": arn,
            "stateMachineArn": self._arn,
            "name": name,
            "status": "RUNNING",
            "startDate": sf.now_iso(),
            "stopDate": None,
            "input": json.dumps(given),
            "output": None,
            "events": [],
            "sync": True,  # so that no event is sent to an event bus
        }
        sf._executions[arn] = record
        run = Run(record, [])

        def call(resource: str, parameters: Any, token: str | None) -> Any:
            task = Task(run.visited[-1], resource, parameters, token)
            run.tasks.append(task)
            try:
                return self._resources(task)
            except StateFailed as failed:
                raise sf._ExecutionError(failed.error, failed.cause) from failed
            except FunctionFailed as failed:
                payload = {"errorType": failed.kind, "errorMessage": failed.message}
                raise function_error(payload) from failed

        def has_returned(token: str) -> None:
            self._returned(next(task for task in run.tasks if task.token == token))

        context = contextvars.copy_context()
        context.run(switches.keep, self._behaviour)
        context.run(STUB.set, Stub(call, has_returned))
        context.run(timing.CLOCK.set, self._clock)
        threading.Thread(target=context.run, args=(sf._run_execution, arn), daemon=True, name=f"flow {name}").start()
        return run

    def succeed(self, token: str, output: Any = None) -> str | None:
        """SendTaskSuccess. Returns None, or the name of the refusal."""
        return TOKENS.finish(token, output=output)

    def fail(self, token: str, error: str, cause: str = "") -> str | None:
        """SendTaskFailure. Returns None, or the name of the refusal."""
        return TOKENS.finish(token, error=(error, cause))

    def beat(self, token: str) -> str | None:
        """SendTaskHeartbeat. Returns None, or the name of the refusal."""
        return TOKENS.beat(token)
