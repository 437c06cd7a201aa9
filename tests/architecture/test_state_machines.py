"""The state machine says only what the template, its role and the product's errors know."""

import re
from datetime import timedelta
from typing import Any

import pytest

from duologue.domain import errors
from duologue.domain.calls.callback_request import LONGEST_TALK
from duologue.usecases.calls.place_callback import RingTimeouts
from tests.architecture.tree import ROOT, tracked
from tools.template import StateMachine, read_template, read_yaml, state_machines, substituted

_TEMPLATE = read_template()
_MACHINES = state_machines(_TEMPLATE)
_STATES = {
    f"{machine.logical_id}: {name}": (machine, state)
    for machine in _MACHINES
    for name, state in substituted(_TEMPLATE, machine)["States"].items()
}
_TASKS = {name: pair for name, pair in _STATES.items() if pair[1]["Type"] == "Task"}
_WAITS = {name: pair for name, pair in _TASKS.items() if pair[1]["Resource"].endswith(".waitForTaskToken")}
_SERVICES = ("Lambda",)
_NAMED = {name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, Exception)}

_LAMBDA = "arn:aws:states:::lambda:invoke"
_BEFORE = {
    ("dynamodb:UpdateItem", "CallsTable"),
    ("chime:CreateSipMediaApplicationCall", "PstnLine"),
    ("chime:UpdateSipMediaApplicationCall", "PstnLine"),
}
"""For executions that the release before this one started: they last a day. The next release drops it."""


def _clauses(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [*state.get("Retry", []), *state.get("Catch", [])]


def test_every_definition_belongs_to_a_resource():
    files = sorted(str(path) for path in tracked() if path.parts[0] == "statemachines")
    assert files == sorted(machine.definition for machine in _MACHINES)


@pytest.mark.parametrize(("machine", "state"), _STATES.values(), ids=_STATES.keys())
def test_errors_are_named_by_someone(machine: StateMachine, state: dict[str, Any]):
    """By Step Functions, by a service, or by domain/errors.py (a Lambda's error is its class's name)."""
    awaited = [error for clause in _clauses(state) for error in clause["ErrorEquals"]]
    strangers = [
        error
        for error in awaited
        if not error.startswith("States.") and error.partition(".")[0] not in _SERVICES and error not in _NAMED
    ]
    assert strangers == []


@pytest.mark.parametrize("machine", _MACHINES, ids=lambda machine: machine.logical_id)
def test_substitutions_are_exactly_those_used(machine: StateMachine):
    used = set(re.findall(r"\$\{(\w+)\}", (ROOT / machine.definition).read_text(encoding="utf-8")))
    assert used == set(machine.substitutions)


def test_the_role_may_invoke_one_function_and_nothing_else():
    """So a state machine can touch no table and no carrier, whatever is written into it."""
    [machine] = _MACHINES
    allowed = {
        (action, _resource_of(arn))
        for statement in machine.statements
        for action in _listed(statement["Action"])
        for arn in _listed(statement["Resource"])
    }
    assert {statement["Effect"] for statement in machine.statements} == {"Allow"}
    traced = {each for each in allowed if each[0].startswith("xray:")}  # test_translated_template.py: only with Tracing
    assert allowed - traced == _BEFORE | {("lambda:InvokeFunction", _resource_of(machine.substitutions["Flow"]))}
    assert {state["Resource"].removesuffix(".waitForTaskToken") for _, state in _TASKS.values()} == {_LAMBDA}
    written = read_yaml(ROOT / machine.definition)["States"].values()
    assert {state["Parameters"]["FunctionName"] for state in written if state["Type"] == "Task"} == {"${Flow}"}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resource_of(value: Any) -> str:
    """The logical id that a !Ref, !GetAtt or a string stands for."""
    if isinstance(value, dict):
        named = value.get("Ref") or value.get("Fn::GetAtt") or value.get("Fn::Sub")
        named = ".".join(named) if isinstance(named, list) else str(named)
        return named.strip("${}").partition(".")[0]
    return str(value)


@pytest.mark.parametrize(("machine", "state"), _TASKS.values(), ids=_TASKS.keys())
def test_every_task_ends(machine: StateMachine, state: dict[str, Any]):
    """Each has a time-out (the default is 99,999,999 s), longer than its heartbeat where it has one (R3)."""
    assert {"TimeoutSeconds", "TimeoutSecondsPath"} & state.keys()
    if "HeartbeatSeconds" in state:
        assert state["HeartbeatSeconds"] < state["TimeoutSeconds"]


@pytest.mark.parametrize(("machine", "state"), _WAITS.values(), ids=_WAITS.keys())
def test_a_timeout_and_a_missed_heartbeat_go_to_the_same_place(machine: StateMachine, state: dict[str, Any]):
    """R3. They are caught, and where one is named, so is the other (States.ALL is both)."""
    both = {"States.Timeout", "States.HeartbeatTimeout"}
    assert any(set(clause["ErrorEquals"]) & (both | {"States.ALL"}) for clause in state["Catch"])
    for clause in _clauses(state):
        assert not set(clause["ErrorEquals"]) & both or both <= set(clause["ErrorEquals"])


@pytest.mark.parametrize(("machine", "state"), _TASKS.values(), ids=_TASKS.keys())
def test_no_error_leaves_an_execution_failed_and_a_line_open(machine: StateMachine, state: dict[str, Any]):
    """R3. Whatever is not named is caught last, and leads somewhere."""
    assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


@pytest.mark.parametrize(("machine", "state"), _WAITS.values(), ids=_WAITS.keys())
def test_nothing_that_a_function_says_is_kept_in_the_history(machine: StateMachine, state: dict[str, Any]):
    """Anybody who may read executions reads what a state passes on: an id and seconds, and the name of an error."""
    assert state["ResultPath"] is None
    assert all(clause["ResultPath"] == "$.caught" for clause in state["Catch"])


@pytest.mark.parametrize(("machine", "state"), _TASKS.values(), ids=_TASKS.keys())
def test_what_cannot_be_done_is_tried_again_for_more_than_a_minute(machine: StateMachine, state: dict[str, Any]):
    """With full jitter a pause is half of what is written, on the average (R3)."""
    again = next(clause for clause in state["Retry"] if "States.TaskFailed" in clause["ErrorEquals"])
    assert again["JitterStrategy"] == "FULL"
    pauses = [again["IntervalSeconds"] * again["BackoffRate"] ** done for done in range(again["MaxAttempts"])]
    assert sum(min(pause, again["MaxDelaySeconds"]) for pause in pauses) / 2 > 60


@pytest.mark.parametrize(("machine", "state"), _WAITS.values(), ids=_WAITS.keys())
def test_whatever_the_flow_says_that_there_is_nothing_to_wait_for_is_not_tried_again(
    machine: StateMachine, state: dict[str, Any]
):
    """Each FlowError has its name there: one that is forgotten would be asked again for a minute."""
    named = {name for name, thing in vars(errors).items() if isinstance(thing, type)}
    final = {name for name in named if issubclass(getattr(errors, name), errors.FlowError)} - {"FlowError"}
    first = state["Retry"][0]
    assert first["MaxAttempts"] == 0
    assert {error for error in first["ErrorEquals"] if not error.startswith("States.")} == final | {"DialRefused"}


@pytest.mark.parametrize(("machine", "state"), _WAITS.values(), ids=_WAITS.keys())
def test_a_dial_is_repeated_only_when_nothing_was_dialled(machine: StateMachine, state: dict[str, Any]):
    """R5. `States.TaskFailed` repeats the function, which dials only with its own mark on the call."""
    repeated = {error for clause in state["Retry"] if clause["MaxAttempts"] for error in clause["ErrorEquals"]}
    assert repeated <= {"NothingWasDialled", "States.TaskFailed"}


def test_a_function_has_less_time_than_the_waits_that_it_begins():
    """The shortest waits of the platform; the SP's own may be shorter, and then the next state looks (R3)."""
    timeout = _TEMPLATE["Resources"]["FlowFunction"]["Properties"]["Timeout"]
    limits = [state["TimeoutSeconds"] for _, state in _TASKS.values() if "TimeoutSeconds" in state]
    assert timeout < min(limits)


def test_an_execution_may_wait_for_a_task_token_and_lasts_as_long_as_the_longest_call():
    """An express one takes no task token and ends after five minutes."""
    slowest = RingTimeouts(callee_ring=timedelta(seconds=120)).before_talk(prelude=timedelta(minutes=5))
    for machine in _MACHINES:
        assert _TEMPLATE["Resources"][machine.logical_id]["Properties"]["Type"] == "STANDARD"
        assert read_yaml(ROOT / machine.definition)["TimeoutSeconds"] > (slowest + LONGEST_TALK).total_seconds()


def test_no_definition_names_a_carrier():
    """In any case of the letters."""
    for machine in _MACHINES:
        written = (ROOT / machine.definition).read_text(encoding="utf-8").lower()
        assert not re.search("chime|sipmedia|transactionid", written)
