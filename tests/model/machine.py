"""The state machine of the model, read from its ASL: attempts, tokens, Retry, Catch, time-outs.

A retry is made at once, and at most twice by one rule, where the file allows more. What happens if a token is completed
while the function still runs is not documented: `Early` has the three ways (flow.md, H33).
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from duologue.domain.errors import CallStopping
from tests.model.programs import CALL_ID, LOOKS_AT_WHAT_WAS_CAUGHT, FlowFunction
from tests.samples import NOW

ASL = Path(__file__).parents[2] / "statemachines" / "callback.asl.yaml"
MOST_RETRIES = 2
LEFT, NEVER_STARTED = "Left to the sweeper", "never started"
CRASH, NO_ANSWER, TIMEOUT = "Lambda.Unknown", "Lambda.SdkClientException", "States.Timeout"


class Early(StrEnum):
    """What completing the token of a function that still runs does. Of `KEPT` an error of the function wins."""

    AT_ONCE = "at once"
    KEPT = "kept"
    REFUSED = "refused"


class Mode(StrEnum):
    RUNS = "runs"  # the function
    KEPT = "kept"  # the same, and its token was completed
    WAITS = "waits"  # the function has returned
    ENDED = "ended"  # the execution
    NOT_STARTED = "not started"


class Execution(NamedTuple):
    """`place`: of the state, in the file. `retries`: of this state, by rule. `rounds`: how often it went back.

    `caught`: the error that led to this state, if its verb wants to know.
    """

    state: str = ""
    mode: Mode = Mode.NOT_STARTED
    place: int = 0
    retries: tuple[int, ...] = ()
    rounds: int = 0
    caught: str | None = None

    @property
    def entered(self) -> int:
        """Stands for the moment. It follows from the place, so that executions which came there by different ways are
        one, and it is never earlier than that of the state before."""
        return 100 * self.rounds + self.place

    @property
    def token(self) -> str:
        """No other attempt has it."""
        return f"token {self.entered}.{sum(self.retries)}"


Entered = tuple[Execution, FlowFunction | None]
"""Where the execution is now, and the function that it has invoked."""


class Machine:
    def __init__(self, early: Early) -> None:
        document: dict[str, Any] = yaml.load(ASL.read_text(encoding="utf-8"), yaml.CSafeLoader)
        self._states: dict[str, dict[str, Any]] = document["States"]
        self._places = {name: place for place, name in enumerate(self._states, 1)}
        self._first: str = document["StartAt"]
        self._early = early

    def start(self, execution: Execution) -> Entered:
        return self._enter(execution, self._first, None)

    def never_start(self) -> Entered:
        return _ended(NEVER_STARTED)

    def verb(self, execution: Execution) -> str:
        return str(self._states[execution.state]["Parameters"]["Payload"]["do"])

    def verbs_from(self, name: str, *, back: bool) -> set[str]:
        """What may be asked of `flow` in this state and those that can follow it; `back`: earlier ones too."""
        reached: set[str] = set()
        new = {name}
        while new:
            reached |= new
            new = {
                after
                for each in new
                for after in _successors(self._states[each])
                if back or self._places[after] > self._places[each]
            } - reached
        return {str(self._states[each]["Parameters"]["Payload"]["do"]) for each in reached if self._is_task(each)}

    def _is_task(self, name: str) -> bool:
        return bool(self._states[name]["Type"] == "Task")

    # ---- what ends an attempt

    def complete(self, execution: Execution, token: str) -> tuple[bool, Entered]:
        """A success for a token: whether it was taken, and what follows."""
        if token != execution.token:
            return False, (execution, None)
        match execution.mode:
            case Mode.WAITS:
                return True, self._succeed(execution)
            case Mode.RUNS if not self.waits_for_token(execution) or self._early is Early.REFUSED:
                return False, (execution, None)
            case Mode.RUNS if self._early is Early.AT_ONCE:
                return True, self._succeed(execution)
            case Mode.RUNS:
                return True, (execution._replace(mode=Mode.KEPT), None)
            case _:
                return False, (execution, None)

    def interrupt(self, execution: Execution, token: str) -> Entered:
        """A failure for a token."""
        taken, _ = self.complete(execution, token)
        return self.fail(execution, CallStopping.__name__) if taken else (execution, None)

    def returned(self, execution: Execution, function: FlowFunction) -> Entered:
        if execution.token != function.token:
            return execution, None
        match execution.mode:
            case Mode.RUNS if self.waits_for_token(execution):
                return execution._replace(mode=Mode.WAITS), None
            case Mode.RUNS | Mode.KEPT:
                return self._succeed(execution)
            case _:
                return execution, None

    def raised(self, execution: Execution, function: FlowFunction, error: str) -> Entered:
        if execution.token == function.token and execution.mode in (Mode.RUNS, Mode.KEPT):
            return self.fail(execution, error)
        return execution, None

    def fail(self, execution: Execution, error: str) -> Entered:
        """The attempt failed: Retry, then Catch."""
        state = self._states[execution.state]
        for place, rule in enumerate(state.get("Retry", [])):
            if _matches(rule["ErrorEquals"], error):
                if execution.retries[place] < min(rule.get("MaxAttempts", 3), MOST_RETRIES):
                    retries = tuple(done + (at == place) for at, done in enumerate(execution.retries))
                    return self._attempt(execution._replace(retries=retries))
                break
        for rule in state.get("Catch", []):
            if _matches(rule["ErrorEquals"], error):
                assert rule["ResultPath"] == "$.caught", "the model knows of one place for errors"
                return self._enter(execution, rule["Next"], error)
        return _ended(f"failed: {error}")

    # ---- states

    def _succeed(self, execution: Execution) -> Entered:
        state = self._states[execution.state]
        if state.get("End"):
            return _ended(f"end of {execution.state}")
        return self._enter(execution, state["Next"], execution.caught)

    def _enter(self, execution: Execution, name: str, caught: str | None) -> Entered:
        state = self._states[name]
        if state["Type"] == "Succeed":
            return _ended(name)
        place, retries = self._places[name], (0,) * len(state.get("Retry", []))
        rounds = execution.rounds + (place <= execution.place)
        matters = state["Parameters"]["Payload"]["do"] == LOOKS_AT_WHAT_WAS_CAUGHT
        return self._attempt(Execution(name, Mode.RUNS, place, retries, rounds, caught if matters else None))

    def _attempt(self, execution: Execution) -> Entered:
        execution = execution._replace(mode=Mode.RUNS)
        entered = NOW + timedelta(milliseconds=execution.entered)
        context = {
            "Task": {"Token": execution.token},
            "State": {
                "EnteredTime": entered.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "RetryCount": sum(execution.retries),
            },
        }
        given = {"callId": CALL_ID} | ({} if execution.caught is None else {"caught": {"Error": execution.caught}})
        payload = _filled(self._states[execution.state]["Parameters"]["Payload"], given, context)
        return execution, FlowFunction(str(payload["do"]), execution.token, json.dumps(payload))

    def waits_for_token(self, execution: Execution) -> bool:
        return str(self._states[execution.state]["Resource"]).endswith(".waitForTaskToken")


def _ended(how: str) -> Entered:
    return Execution(how, Mode.ENDED), None


def _successors(state: Mapping[str, Any]) -> set[str]:
    return {rule["Next"] for rule in (state, *state.get("Catch", [])) if "Next" in rule}


def _matches(names: list[str], error: str) -> bool:
    return "States.ALL" in names or error in names or ("States.TaskFailed" in names and error != TIMEOUT)


def _filled(template: Mapping[str, Any], given: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """A payload template with its paths looked up."""
    filled: dict[str, Any] = {}
    for name, value in template.items():
        if name.endswith(".$"):
            found: Any = context if value.startswith("$$.") else given
            for part in value.lstrip("$").split("."):
                found = found[part] if part else found
            filled[name.removesuffix(".$")] = found
        else:
            filled[name] = _filled(value, given, context) if isinstance(value, Mapping) else value
    return filled
