"""Starting executions, and what a state machine's tasks may do."""

import pytest
from botocore.exceptions import ClientError

from tests.e2e.waiting import until


@pytest.fixture(scope="module")
def waiting(stack):
    """A state machine that goes on for longer than a test."""
    return stack.state_machine("waiting", {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}})


@pytest.fixture(scope="module")
def short(stack):
    return stack.state_machine("short", {"Done": {"Type": "Succeed"}})


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def test_the_same_start_twice_is_one_execution(stack, waiting):
    sfn = stack.cloud.client("stepfunctions")
    first, again = (sfn.start_execution(stateMachineArn=waiting, name="same", input='{"a": 1}') for _ in range(2))
    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    assert len(sfn.list_executions(stateMachineArn=waiting)["executions"]) == 1


def test_the_same_name_with_another_input_is_refused(stack, waiting):
    sfn = stack.cloud.client("stepfunctions")
    sfn.start_execution(stateMachineArn=waiting, name="other", input='{"a": 1}')
    again = {"stateMachineArn": waiting, "name": "other", "input": '{"a": 2}'}
    assert refusal(sfn.start_execution, **again) == "ExecutionAlreadyExists"


def test_the_same_start_after_the_end_is_refused(stack, short):
    sfn = stack.cloud.client("stepfunctions")
    stack.ended(stack.start(short, name="once"))
    again = {"stateMachineArn": short, "name": "once", "input": "{}"}
    assert refusal(sfn.start_execution, **again) == "ExecutionAlreadyExists"


@pytest.mark.parametrize("name", ["a b", "a*b", "a" * 81])
def test_a_name_has_its_characters_and_length(stack, short, name):
    sfn = stack.cloud.client("stepfunctions")
    assert refusal(sfn.start_execution, stateMachineArn=short, name=name) == "InvalidName"


def test_a_path_to_nothing_fails_and_is_not_caught(stack):
    """Inside a Parallel that catches everything: States.Runtime goes through `States.ALL`."""
    look = {"Type": "Pass", "Parameters": {"x.$": "$.absent"}, "End": True}
    branch = {"StartAt": "Look", "States": {"Look": look}}
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    states = {
        "All": {"Type": "Parallel", "Branches": [branch], "Catch": caught, "End": True},
        "Caught": {"Type": "Succeed"},
    }
    about = stack.run(stack.state_machine("absent", states))
    assert (about["status"], about["error"]) == ("FAILED", "States.Runtime")


def test_a_task_may_do_what_the_role_says_and_nothing_else(stack):
    call = {"FunctionName": stack.resources["Notify"]}
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": call, "End": True}
    about = stack.run(stack.state_machine("denied", {"Do": state}))
    assert (about["status"], about["error"]) == ("FAILED", "Lambda.AccessDeniedException")
    assert "not authorized to perform: lambda:InvokeFunction" in about["cause"]


def test_nothing_is_left_running(stack, waiting):
    """What these tests started is stopped; the cloud would stop it with itself."""
    sfn = stack.cloud.client("stepfunctions")
    running = sfn.list_executions(stateMachineArn=waiting, statusFilter="RUNNING")["executions"]
    for execution in running:
        sfn.stop_execution(executionArn=execution["executionArn"])
    assert until(lambda: not sfn.list_executions(stateMachineArn=waiting, statusFilter="RUNNING")["executions"])
