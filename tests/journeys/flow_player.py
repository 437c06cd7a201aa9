"""Plays the deployed state machine on a clock that can jump: the ASL of `statemachines/` itself, no copy of its rules.

Law: it knows the part of the Amazon States Language in `asl.py` (tasks that invoke a function, Succeed; Retry, Catch,
time-outs, task tokens) and raises `NotInThePlayer` for anything else. What AWS does not document it plays by the
switches of the lab's cloud. That MiniStack's interpreter agrees is shown by the lab's run of the same cases.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lab.aws.switches import CloudSwitches
from pstn.clocks import JumpingClock, Timer
from tests.journeys.asl import NotInThePlayer, TaskFailed, fill, limit, matches, pause, stored

_CALLBACK = ".waitForTaskToken"
_INVOKE = "arn:aws:states:::lambda:invoke"
_FUNCTION_SECONDS = 0.02


class FunctionDied(BaseException):
    """Raised inside a function: its process ends where it stands. No handler of the product catches it."""


Function = Callable[[Any], Any]
"""Payload → result. Raises TaskFailed for an error by name; any other exception is its class's name, as on Lambda."""


@dataclass(frozen=True)
class Invocation:
    """One attempt of one task as the fault chooser sees it; `attempt` counts from 0, as RetryCount does."""

    state: str
    payload: Any
    attempt: int


@dataclass(frozen=True)
class InvocationFault:
    """What goes wrong with one invocation.

    `error`: the task fails with this name, whatever the function does. `runs`: how often the function runs (0: it was
    refused; 2: repeated by an SDK that lost the first answer). `after`: seconds until it runs; beside an `error`, a
    function that goes on though its attempt was given up. `seconds`: from its start to its return.
    """

    error: str | None = None
    runs: int | None = None
    after: float = 0.0
    seconds: float = _FUNCTION_SECONDS


@dataclass
class _Task:
    """One attempt of a Task state. `early` completes it when its call has returned."""

    execution: "Execution"
    state: dict[str, Any]
    token: str
    returned: bool = False
    over: bool = False
    early: Callable[[], None] | None = None
    timer: Timer | None = None


@dataclass
class Execution:
    name: str
    state: str
    data: Any
    started: str
    entered: list[str] = field(default_factory=list)
    entered_at: str = ""
    attempts: dict[int, int] = field(default_factory=dict)
    status: str = "RUNNING"
    task: _Task | None = None


class FlowPlayer:
    def __init__(
        self,
        document: dict[str, Any],
        clock: JumpingClock,
        functions: Mapping[str, Function],
        *,
        behaviour: CloudSwitches | None = None,
        chance: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """`functions`: by FunctionName.

        `chance`: the share, from 0 to 1, that the jitter leaves of a pause before a retry; the longest unless given.
        """
        self.states: dict[str, dict[str, Any]] = document["States"]
        self._first: str = document["StartAt"]
        self._clock = clock
        self._functions = functions
        self._behaviour = behaviour or CloudSwitches()
        self._chance = chance
        self._tokens = (f"token-{number}" for number in itertools.count(1))
        self._waiting: dict[str, _Task] = {}
        self.executions: dict[str, Execution] = {}
        self.fault: Callable[[Invocation], InvocationFault] = lambda invocation: InvocationFault()
        self.failures: list[tuple[str, str]] = []
        """Each state and error that a task failed with."""
        self.transition_seconds = 0.0
        """From a completed wait to the next state. 0: what that state asks for comes before the completer goes on."""
        self.holds_back = False
        """The starts do not arrive; they are kept in `held_back`."""
        self.held_back: list[tuple[str, dict[str, Any]]] = []

    # -- what others ask of Step Functions
    def start(self, name: str, given: dict[str, Any]) -> None:
        """Raises TaskFailed ExecutionAlreadyExists if the name is taken."""
        if self.holds_back:
            self.held_back.append((name, given))
            return
        if name in self.executions:
            raise TaskFailed("ExecutionAlreadyExists")
        execution = Execution(name, self._first, given, self._now())
        self.executions[name] = execution
        self._clock.call_later(0, lambda: self._enter(execution, self._first))

    def succeed(self, token: str) -> bool:
        """Complete a wait; False if nobody waits with this token (any more), or it came early and is refused."""
        return self._complete(token, lambda task: self._go_on(task.execution, task.state, {}))

    def fail(self, token: str, error: str) -> bool:
        return self._complete(token, lambda task: self._failed(task.execution, task.state, error))

    def die(self, name: str) -> None:
        """The execution ends where it stands; nothing follows."""
        execution = self.executions[name]
        self._close(execution)
        execution.status = "SUCCEEDED"

    def _complete(self, token: str, then: Callable[[_Task], None]) -> bool:
        task = self._waiting.get(token)
        if task is None or (not task.returned and self._behaviour.early_completion == "refused"):
            return False
        if not task.returned and self._behaviour.early_completion == "kept":
            del self._waiting[token]
            task.early = lambda: then(task)
            return True
        self._close(task.execution)
        self._clock.call_later(self.transition_seconds, lambda: then(task))
        return True

    # -- states
    def _enter(self, execution: Execution, name: str) -> None:
        execution.state, execution.entered_at, execution.attempts = name, self._now(), {}
        execution.entered.append(name)
        self._run(execution)

    def _run(self, execution: Execution) -> None:
        state = self.states[execution.state]
        match state["Type"]:
            case "Succeed":
                execution.status = "SUCCEEDED"
            case "Task":
                self._attempt(execution, state)
            case other:
                raise NotInThePlayer(other)

    def _attempt(self, execution: Execution, state: dict[str, Any]) -> None:
        task = _Task(execution, state, next(self._tokens))
        context = self._context(execution, task.token)
        try:
            seconds, parameters = (
                limit(state, execution.data, context),
                fill(state["Parameters"], execution.data, context),
            )
        except TaskFailed as error:
            self._failed(execution, state, error.name)
            return
        execution.task = task
        if state["Resource"].endswith(_CALLBACK):
            self._waiting[task.token] = task  # known before the work that makes somebody complete it
        task.timer = self._clock.call_later(seconds, lambda: self._end(task, "States.Timeout"))
        if state["Resource"].removesuffix(_CALLBACK) != _INVOKE:
            raise NotInThePlayer(state["Resource"])
        self._invoke(task, parameters)

    def _invoke(self, task: _Task, parameters: dict[str, Any]) -> None:
        function, payload = self._functions[parameters["FunctionName"]], parameters.get("Payload", {})
        fault = self.fault(Invocation(task.execution.state, payload, sum(task.execution.attempts.values())))
        repeated = self._behaviour.repeated_invocation
        runs = fault.runs if fault.runs is not None else (1 if repeated == "none" else 2)
        gap = fault.seconds if repeated != "together" else 0.0
        for run in range(runs):
            last = run == runs - 1 and fault.error is None
            self._after(fault.after + run * gap, partial(self._runs, task, function, payload, fault, last))
        if fault.error is not None:
            self._end(task, fault.error)

    def _runs(self, task: _Task, function: Function, payload: Any, fault: InvocationFault, counts: bool) -> None:
        """One run of a function, and what Step Functions hears of it, if its outcome counts."""
        result, error = None, ""
        try:
            result = function(payload)
        except TaskFailed as failed:
            error = failed.name
        except FunctionDied:
            error = "Runtime.ExitError" if self._behaviour.crash_name == "error_type" else "Lambda.Unknown"
        except AssertionError:
            raise
        except Exception as failed:  # noqa: BLE001 - as Lambda tells it
            error = type(failed).__name__
        if not counts:
            return

        def heard() -> None:
            if error:
                self._end(task, error)
            else:
                self._returned(task, {"Payload": result, "StatusCode": 200})

        self._clock.call_later(fault.seconds, heard)

    def _returned(self, task: _Task, result: Any) -> None:
        """The call of a task has returned: a callback waits from here on, unless its token came early."""
        if task.over:
            return
        task.returned = True
        if not self._is_callback(task):
            self._close(task.execution)
            self._go_on(task.execution, task.state, result)
        elif task.early is not None:
            self._close(task.execution)
            self._clock.call_later(self.transition_seconds, task.early)

    def _end(self, task: _Task, error: str) -> None:
        if not task.over:
            self._close(task.execution)
            self._failed(task.execution, task.state, error)

    def _close(self, execution: Execution) -> None:
        """The attempt is over: its token is spent, and what its function still says is not heard."""
        task, execution.task = execution.task, None
        if task is not None:
            task.over = True
            self._waiting.pop(task.token, None)
            if task.timer is not None:
                task.timer.cancel()

    def _go_on(self, execution: Execution, state: dict[str, Any], result: Any) -> None:
        execution.data = stored(execution.data, state.get("ResultPath", "$"), result)
        if state.get("End"):
            execution.status = "SUCCEEDED"
            return
        self._enter(execution, state["Next"])

    def _failed(self, execution: Execution, state: dict[str, Any], error: str) -> None:
        self.failures.append((execution.state, error))
        for index, rule in enumerate(state.get("Retry", [])):
            if not matches(rule["ErrorEquals"], error):
                continue
            done = execution.attempts.get(index, 0)
            if done < rule.get("MaxAttempts", 3):
                execution.attempts[index] = done + 1
                self._clock.call_later(pause(rule, done, self._chance()), lambda: self._again(execution))
                return
            break
        for rule in state.get("Catch", []):
            if matches(rule["ErrorEquals"], error):
                caught = {"Error": error, "Cause": ""}
                execution.data = stored(execution.data, rule.get("ResultPath", "$"), caught)
                self._enter(execution, rule["Next"])
                return
        execution.status = f"FAILED {error}"

    def _again(self, execution: Execution) -> None:
        if execution.status == "RUNNING":
            self._run(execution)

    def _after(self, seconds: float, run: Callable[[], None]) -> None:
        if seconds:
            self._clock.call_later(seconds, run)
        else:
            run()

    def _is_callback(self, task: _Task) -> bool:
        return bool(task.state["Resource"].endswith(_CALLBACK))

    def _context(self, execution: Execution, token: str) -> dict[str, Any]:
        state = {"Name": execution.state, "EnteredTime": execution.entered_at}
        return {
            "Execution": {"Name": execution.name, "StartTime": execution.started},
            "State": {**state, "RetryCount": sum(execution.attempts.values())},
            "Task": {"Token": token},
        }

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
