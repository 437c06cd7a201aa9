"""Plays the deployed state machine on a clock that can jump: the ASL of `statemachines/` itself, no copy of its rules.

Law: it knows the part of the Amazon States Language that the file uses (Task, Pass, a few Choices; Parameters,
ResultSelector, ResultPath, Retry, Catch, time-outs, task tokens) and raises `NotInThePlayer` for anything else. That
MiniStack's interpreter agrees is shown by the lab's run of the same cases.
"""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pstn.clocks import JumpingClock, Timer

ASL = Path(__file__).parents[2] / "statemachines" / "callback.asl.yaml"
_NEVER_RETRIED_BY_TASK_FAILED = "States.Timeout"


class NotInThePlayer(Exception):
    """The file uses something that this player does not know."""


class TaskFailed(Exception):
    """A resource failed, with the error's name as a Catch would have it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


Resource = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class Execution:
    name: str
    state: str
    data: dict[str, Any]
    entered: list[str] = field(default_factory=list)
    attempts: dict[int, int] = field(default_factory=dict)
    status: str = "RUNNING"
    token: str | None = None
    timer: Timer | None = None


def load(substitutions: Mapping[str, str]) -> dict[str, Any]:
    """The document as deployed. Raises KeyError if the file wants a substitution that is not given."""
    text = re.sub(r"\$\{(\w+)\}", lambda name: substitutions[name[1]], ASL.read_text())
    document: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return document


class FlowPlayer:
    def __init__(self, document: dict[str, Any], clock: JumpingClock, resources: Mapping[str, Resource]) -> None:
        """`resources`: what to call for each Resource, its `.waitForTaskToken` left out."""
        self.states: dict[str, dict[str, Any]] = document["States"]
        self._first: str = document["StartAt"]
        self._clock = clock
        self._resources = resources
        self._tokens = (f"token-{number}" for number in itertools.count(1))
        self.executions: dict[str, Execution] = {}
        self.holds_back = False
        """The starts do not arrive; they are kept in `held_back`."""
        self.held_back: list[tuple[str, dict[str, Any]]] = []

    def start(self, name: str, given: dict[str, Any]) -> None:
        """Raises TaskFailed ExecutionAlreadyExists if the name is taken."""
        if self.holds_back:
            self.held_back.append((name, given))
            return
        if name in self.executions:
            raise TaskFailed("ExecutionAlreadyExists")
        execution = Execution(name, self._first, given)
        self.executions[name] = execution
        self._clock.call_later(0, lambda: self._enter(execution, self._first))

    def succeed(self, token: str) -> bool:
        """Complete a wait; False if nobody waits with this token any more."""
        return self._resume(token, lambda execution, state: self._go_on(execution, state, {}))

    def fail(self, token: str, error: str) -> bool:
        return self._resume(token, lambda execution, state: self._caught(execution, state, error))

    def _resume(self, token: str, then: Callable[[Execution, dict[str, Any]], None]) -> bool:
        waiting = next((each for each in self.executions.values() if each.token == token), None)
        if waiting is None:
            return False
        self._stop_waiting(waiting)
        self._clock.call_later(0, lambda: then(waiting, self.states[waiting.state]))
        return True

    def _enter(self, execution: Execution, name: str) -> None:
        execution.state = name
        execution.entered.append(name)
        execution.attempts = {}
        self._run(execution)

    def _run(self, execution: Execution) -> None:
        state = self.states[execution.state]
        match state["Type"]:
            case "Pass":
                result = state.get("Result", execution.data)
                self._go_on(execution, state, result)
            case "Choice":
                self._enter(execution, self._choose(state, execution.data))
            case "Task":
                self._task(execution, state)
            case other:
                raise NotInThePlayer(other)

    def _task(self, execution: Execution, state: dict[str, Any]) -> None:
        resource, _, waits = state["Resource"].partition(".waitForTaskToken")
        waits = state["Resource"].endswith(".waitForTaskToken")
        context = {"Task": {"Token": next(self._tokens)}, "State": {"EnteredTime": _stamp(self._clock)}}
        parameters = _fill(state.get("Parameters", {}), execution.data, context)
        if waits:  # a token must be known before the work that makes somebody complete it
            execution.token = context["Task"]["Token"]
            seconds = _look_up(state["TimeoutSecondsPath"], execution.data) if "TimeoutSecondsPath" in state else None
            wait = seconds if seconds is not None else state["TimeoutSeconds"]
            execution.timer = self._clock.call_later(wait, lambda: self._timed_out(execution, state))
        try:
            result = self._resources[resource](parameters)
        except TaskFailed as error:
            self._stop_waiting(execution)
            self._caught(execution, state, error.name)
            return
        if not waits:
            self._clock.call_later(0.01, lambda: self._go_on(execution, state, result))

    def _timed_out(self, execution: Execution, state: dict[str, Any]) -> None:
        self._stop_waiting(execution)
        self._caught(execution, state, "States.Timeout")

    def _stop_waiting(self, execution: Execution) -> None:
        execution.token = None
        if execution.timer is not None:
            execution.timer.cancel()
            execution.timer = None

    def _go_on(self, execution: Execution, state: dict[str, Any], result: Any) -> None:
        if "ResultSelector" in state:
            result = _fill(state["ResultSelector"], result, {})
        _store(execution, state.get("ResultPath", "$"), result)
        if state.get("End"):
            execution.status = "SUCCEEDED"
            return
        self._enter(execution, state["Next"])

    def _caught(self, execution: Execution, state: dict[str, Any], error: str) -> None:
        for index, rule in enumerate(state.get("Retry", [])):
            if not _matches(rule["ErrorEquals"], error):
                continue
            done = execution.attempts.get(index, 0)
            if done < rule.get("MaxAttempts", 3):
                execution.attempts[index] = done + 1
                pause = rule.get("IntervalSeconds", 1) * rule.get("BackoffRate", 2.0) ** done
                self._clock.call_later(min(pause, rule.get("MaxDelaySeconds", pause)), lambda: self._run(execution))
                return
            break
        for rule in state.get("Catch", []):
            if _matches(rule["ErrorEquals"], error):
                _store(execution, rule.get("ResultPath", "$"), {"Error": error})
                self._enter(execution, rule["Next"])
                return
        execution.status = f"FAILED {error}"

    def _choose(self, state: dict[str, Any], data: dict[str, Any]) -> str:
        for choice in state["Choices"]:
            if _holds({name: value for name, value in choice.items() if name != "Next"}, data):
                return str(choice["Next"])
        return str(state["Default"])


def _holds(rule: dict[str, Any], data: dict[str, Any]) -> bool:
    match rule:
        case {"Not": inner, **rest} if not rest:
            return not _holds(inner, data)
        case {"Variable": path, "IsPresent": wanted, **rest} if not rest:
            return (_look_up(path, data) is not None) == wanted
        case {"Variable": path, "StringEquals": text, **rest} if not rest:
            return bool(_look_up(path, data) == text)
        case _:
            raise NotInThePlayer(str(rule))


def _matches(names: list[str], error: str) -> bool:
    if "States.ALL" in names or error in names:
        return True
    return "States.TaskFailed" in names and error != _NEVER_RETRIED_BY_TASK_FAILED


def _fill(template: Any, data: Any, context: Any) -> Any:
    if isinstance(template, dict):
        return {
            name.removesuffix(".$"): _look_up(value, data, context)
            if name.endswith(".$")
            else _fill(value, data, context)
            for name, value in template.items()
        }
    return [_fill(value, data, context) for value in template] if isinstance(template, list) else template


def _look_up(path: str, data: Any, context: Any = None) -> Any:
    found = context if path.startswith("$$.") else data
    for name in path.lstrip("$").removeprefix(".").split("."):
        if name:
            found = found.get(name) if isinstance(found, dict) else None
    return found


def _store(execution: Execution, path: str | None, result: Any) -> None:
    if path is None:
        return
    if path == "$":
        execution.data = result
        return
    name = path.removeprefix("$.")
    if "." in name:
        raise NotInThePlayer(path)
    execution.data = {**execution.data, name: result}


def _stamp(clock: JumpingClock) -> str:
    return clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
