"""The flow's adapter. Waits with a token run on the lab only: moto's interpreter has none for DynamoDB."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from itertools import count

import boto3
import pytest
from botocore.stub import Stubber

from duologue.adapters.calls.step_functions_flows import StepFunctionsFlows
from duologue.adapters.operating.step_functions_histories import StepFunctionsHistories
from duologue.usecases.ports.flows import FlowOrder
from tests.samples import NOW

_names = count()
ORDER = FlowOrder(
    "1_2_3_20261123090000",
    caller_wait=timedelta(seconds=140),
    callee_wait=timedelta(seconds=80),
    talk=timedelta(minutes=4),
    last_minute=timedelta(0),  # no wait is shorter than a second
)
WAITS = {
    "StartAt": "Wait",
    "States": {"Wait": {"Type": "Wait", "Seconds": 30, "End": True}},
}


@pytest.fixture
def client(aws):
    return aws("stepfunctions")


@pytest.fixture
def flows(aws, client):
    made = client.create_state_machine(
        name=f"flow-{next(_names)}", definition=json.dumps(WAITS), roleArn=_role(aws("iam"), "none")
    )
    return StepFunctionsFlows(client, made["stateMachineArn"])


def test_starting_twice_starts_once(client, flows):
    flows.start(ORDER)
    flows.start(ORDER)
    [execution] = client.list_executions(stateMachineArn=flows._state_machine)["executions"]
    assert execution["name"] == ORDER.call_id
    given = json.loads(client.describe_execution(executionArn=execution["executionArn"])["input"])
    assert given == {
        "callId": ORDER.call_id,
        "callerWaitSeconds": 140,
        "calleeWaitSeconds": 80,
        "talkSeconds": 240,
        "lastMinuteSeconds": 1,
    }


@pytest.mark.parametrize("aws", ["lab"], indirect=True)  # moto knows no token
def test_resuming_what_no_longer_waits_is_no_error(flows):
    assert flows.resume("AQCEAAAAKgAAAAMAAAAA") is False
    flows.interrupt("AQCEAAAAKgAAAAMAAAAA")


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_token_whose_wait_is_over_is_no_error(code):
    """Each of the three words that the service has for it."""
    client = boto3.client("stepfunctions", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    flows = StepFunctionsFlows(client, "arn:aws:states:us-east-1:111122223333:stateMachine:flow")
    with Stubber(client) as stubber:
        for operation in ("send_task_success", "send_task_failure"):
            stubber.add_client_error(operation, code, http_status_code=400)
        assert flows.resume("token") is False
        flows.interrupt("token")


@pytest.mark.parametrize("aws", ["lab"], indirect=True)
def test_a_wait_is_completed_and_failed(aws, client):
    dynamodb = aws("dynamodb")
    table = f"tokens-{next(_names)}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    role = _role(aws("iam"), table)
    for resumes, expected in ((True, "SUCCEEDED"), (False, "FAILED")):
        name = f"wait-{next(_names)}"
        machine = client.create_state_machine(name=name, definition=json.dumps(_waiting(table, name)), roleArn=role)
        flows = StepFunctionsFlows(client, machine["stateMachineArn"])
        flows.start(replace(ORDER, call_id=name))
        token = _until(lambda name=name: dynamodb.get_item(TableName=table, Key={"pk": {"S": name}}).get("Item"))
        assert (flows.resume if resumes else flows.interrupt)(token["token"]["S"]) in (True, None)
        [execution] = client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        ended = _until(lambda arn=execution["executionArn"]: _ended(client, arn))
        assert ended["status"] == expected
        assert resumes or ended["error"] == "CallStopping"
        [step] = StepFunctionsHistories(client, machine["stateMachineArn"]).steps(name)
        assert (step.state, step.error) == ("Wait", "" if resumes else "CallStopping")
        assert step.left_at is not None and step.entered_at <= step.left_at


def test_a_flow_that_never_started_has_no_steps(client, flows):
    assert StepFunctionsHistories(client, flows._state_machine).steps("9_9_9_20261123090000") == ()


def _event(second, kind, **details):
    return {"timestamp": NOW + timedelta(seconds=second), "type": kind, "id": second + 1, **details}


def test_the_steps_of_a_flow_have_their_times_and_the_errors_that_they_ended_with():
    """A state that was retried and then completed has no error; one whose error was caught has it."""
    entered = [
        ("TaskStateEntered", {"stateEnteredEventDetails": {"name": name}})
        for name in ("Ring the caller", "Ring the callee", "Give up")
    ]
    left = [("TaskStateExited", {"stateExitedEventDetails": {"name": name}}) for name in ("Ring the caller", "Talk")]
    failed = ("TaskFailed", {"taskFailedEventDetails": {"resourceType": "lambda", "resource": "i", "error": "Unsure"}})
    late = ("TaskTimedOut", {"taskTimedOutEventDetails": {"resourceType": "l", "resource": "i", "error": "Timeout"}})
    again: tuple[str, dict] = ("TaskScheduled", {})
    told = [
        entered[0],
        failed,
        again,
        ("TaskSucceeded", {}),
        left[0],
        entered[1],
        again,
        late,
        left[1],
        entered[2],
        again,
    ]
    events = [_event(second, kind, **details) for second, (kind, details) in enumerate(told)]
    client = boto3.client("stepfunctions", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    histories = StepFunctionsHistories(client, "arn:aws:states:us-east-1:111122223333:stateMachine:flow")
    wanted = {
        "executionArn": "arn:aws:states:us-east-1:111122223333:execution:flow:1_2_3_20261123090000",
        "includeExecutionData": False,
    }
    with Stubber(client) as stubber:
        pages: list[dict] = [{"events": events[:6], "nextToken": "more"}, {"events": events[6:]}]
        for page, token in zip(pages, ({}, {"nextToken": "more"}), strict=True):
            stubber.add_response("get_execution_history", page, wanted | token)
        steps = histories.steps("1_2_3_20261123090000")
    assert [(step.state, (step.entered_at - NOW).seconds, step.error) for step in steps] == [
        ("Ring the caller", 0, ""),
        ("Ring the callee", 5, "Timeout"),
        ("Give up", 9, ""),
    ]
    assert [step.left_at and (step.left_at - NOW).seconds for step in steps] == [4, 8, None]


def _waiting(table, name):
    write = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken",
        "TimeoutSeconds": 30,
        "Parameters": {
            "TableName": table,
            "Key": {"pk": {"S": name}},
            "UpdateExpression": "SET #token = :token",
            "ExpressionAttributeNames": {"#token": "token"},
            "ExpressionAttributeValues": {":token": {"S.$": "$$.Task.Token"}},
        },
        "End": True,
    }
    return {"StartAt": "Wait", "States": {"Wait": write}}


def _role(iam, table):
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    may = {"Effect": "Allow", "Action": "dynamodb:UpdateItem", "Resource": f"arn:aws:dynamodb:*:*:table/{table}"}
    name = f"waits-{next(_names)}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=policy)
    return role


def _ended(client, arn):
    execution = client.describe_execution(executionArn=arn)
    return execution if execution["status"] != "RUNNING" else None


def _until(look, seconds=15.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")
