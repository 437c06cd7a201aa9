"""The state machine says only what the template, its role and the product's errors know."""

import re
from typing import Any

import pytest

from duologue.domain import errors
from tests.architecture.tree import ROOT, tracked
from tools.template import StateMachine, default_of, read_template, read_yaml, state_machines, substituted

_TEMPLATE = read_template()
_MACHINES = state_machines(_TEMPLATE)
_STATES = {
    f"{machine.logical_id}: {name}": (machine, state)
    for machine in _MACHINES
    for name, state in substituted(_TEMPLATE, machine)["States"].items()
}
_TASKS = {name: pair for name, pair in _STATES.items() if pair[1]["Type"] == "Task"}
_WAITS = {name: pair for name, pair in _TASKS.items() if pair[1]["Resource"].endswith(".waitForTaskToken")}
_DIALS = {
    name: pair
    for name, pair in _TASKS.items()
    if "SipMediaApplicationCall" in pair[1]["Resource"]
    and pair[1]["Parameters"].get("Arguments", {}).get("command") != "end"
}

_SERVICES = ("DynamoDb", "ChimeSdkVoice", "Lambda")
_NAMED = {name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, Exception)}

# What the role of a state machine needs for each kind of Resource, "aws-sdk:" and patterns such as
# ".waitForTaskToken" taken off: https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
_ACTION_OF = {
    "dynamodb:updateItem": "dynamodb:UpdateItem",
    "dynamodb:getItem": "dynamodb:GetItem",
    "dynamodb:putItem": "dynamodb:PutItem",
    "chimesdkvoice:createSipMediaApplicationCall": "chime:CreateSipMediaApplicationCall",
    "chimesdkvoice:updateSipMediaApplicationCall": "chime:UpdateSipMediaApplicationCall",
    "lambda:invoke": "lambda:InvokeFunction",
}
# The parameter that names what the action is done to; None where the service takes it in another way.
_TARGET_OF = {"dynamodb": "TableName", "chime": "SipMediaApplicationId", "lambda": "FunctionName"}


def _clauses(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [*state.get("Retry", []), *state.get("Catch", [])]


def _action(resource: str) -> str:
    integration = resource.partition(":states:::")[2].removeprefix("aws-sdk:").partition(".")[0]
    return _ACTION_OF[integration]


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


@pytest.mark.parametrize("machine", _MACHINES, ids=lambda machine: machine.logical_id)
def test_the_role_allows_what_the_tasks_do_and_nothing_else(machine: StateMachine):
    """Each Task's action, on that very table, application or function."""
    allowed = {
        (action, _resource_of(arn))
        for statement in machine.statements
        for action in _listed(statement["Action"])
        for arn in _listed(statement["Resource"])
    }
    actions = {name: _action(state["Resource"]) for name, (of, state) in _TASKS.items() if of == machine}
    done = {(action, _substituted_target(machine, _TASKS[name][1], action)) for name, action in actions.items()}
    assert {statement["Effect"] for statement in machine.statements} == {"Allow"}
    assert allowed == done


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resource_of(value: Any) -> str:
    """The logical id that a !Ref, !GetAtt or a string stands for."""
    if isinstance(value, dict):
        named = value.get("Ref") or value.get("Fn::GetAtt") or value.get("Fn::Sub")
        named = ".".join(named) if isinstance(named, list) else str(named)
        return named.strip("${}").partition(".")[0]
    return str(value)


def _substituted_target(machine: StateMachine, state: dict[str, Any], action: str) -> str:
    """The logical id of the resource that a Task acts upon, read from the definition as it is written."""
    parameter = _TARGET_OF[action.partition(":")[0]]
    written = next(
        as_written
        for as_written, filled_in in zip(
            read_yaml(ROOT / machine.definition)["States"].values(),
            substituted(_TEMPLATE, machine)["States"].values(),
            strict=True,
        )
        if filled_in == state
    )
    placeholder = re.fullmatch(r"\$\{(\w+)\}", written["Parameters"][parameter])
    assert placeholder, f"{parameter} is not one of the template's own resources"
    return _resource_of(machine.substitutions[placeholder[1]])


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


@pytest.mark.parametrize(("machine", "state"), _TASKS.values(), ids=_TASKS.keys())
def test_a_history_holds_no_more_of_a_row_than_was_written(machine: StateMachine, state: dict[str, Any]):
    """Anybody who may read executions reads what a state gave back: numbers and userData are none of their business."""
    assert state["Parameters"].get("ReturnValues", "NONE") in ("NONE", "UPDATED_NEW")


@pytest.mark.parametrize(
    ("machine", "state"),
    [pair for pair in _TASKS.values() if "dynamodb" in pair[1]["Resource"]],
    ids=[name for name, pair in _TASKS.items() if "dynamodb" in pair[1]["Resource"]],
)
def test_a_store_out_of_reach_is_waited_for_more_than_a_minute(machine: StateMachine, state: dict[str, Any]):
    """With full jitter a pause is half of what is written, on the average."""
    again = next(clause for clause in state["Retry"] if "States.TaskFailed" in clause["ErrorEquals"])
    assert again["JitterStrategy"] == "FULL"
    pauses = [again["IntervalSeconds"] * again["BackoffRate"] ** done for done in range(again["MaxAttempts"])]
    assert sum(min(pause, again["MaxDelaySeconds"]) for pause in pauses) / 2 > 60


@pytest.mark.parametrize(("machine", "state"), _DIALS.values(), ids=_DIALS.keys())
def test_a_dial_is_repeated_only_when_it_was_refused(machine: StateMachine, state: dict[str, Any]):
    """R5: any other error may have dialled."""
    refusals = {"ChimeSdkVoice.ThrottledClientException", "ChimeSdkVoice.ResourceLimitExceededException"}
    repeated = {error for clause in state["Retry"] if clause.get("MaxAttempts") != 0 for error in clause["ErrorEquals"]}
    assert repeated <= refusals


@pytest.mark.parametrize(("machine", "state"), _DIALS.values(), ids=_DIALS.keys())
def test_a_dial_that_may_have_left_is_waited_for(machine: StateMachine, state: dict[str, Any]):
    """R5: after an error that is no refusal the flow waits for events, as if the dial had left."""
    last = state["Catch"][-1]
    assert last["ErrorEquals"] == ["States.ALL"]
    assert last["Next"] == state["Next"]


def test_the_carrier_is_a_parameter():
    """Another carrier substitutes its own resources: the definition itself names none."""
    for machine in _MACHINES:
        written = (ROOT / machine.definition).read_text(encoding="utf-8")
        assert "chimesdkvoice" not in written
        dials = [value for value in machine.substitutions.values() if "chimesdkvoice" in default_of(_TEMPLATE, value)]
        assert dials
        assert all("Ref" in value for value in dials)
