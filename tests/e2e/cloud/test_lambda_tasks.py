"""A Task that invokes a function, with and without a token: what it passes, how it fails, what is not documented."""

import json
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import pytest

from lab.aws.faults import dies, throttled
from tests.e2e.cloud.test_waits import INVOKE, WAIT, refusal, seconds, token
from tests.e2e.waiting import until

TOKEN = {"token.$": "$$.Task.Token"}
_names = count()


def invoking(stack, resource=INVOKE, *, payload=None, invoke=None, **more):
    parameters = {"FunctionName": stack.resources["Probe"], "Payload": payload or {}, **(invoke or {})}
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}


def begin(stack, state, given=None, *, role=None, **states):
    """Start a machine that begins with this state; its execution."""
    return stack.start(stack.state_machine(f"lambda-task-{next(_names)}", {"Do": state, **states}, role=role), given)


def run(stack, state, given=None, *, role=None, **states):
    return stack.ended(begin(stack, state, given, role=role, **states))


def history(stack, execution):
    pages = stack.cloud.client("stepfunctions").get_paginator("get_execution_history")
    return [event for page in pages.paginate(executionArn=execution) for event in page["events"]]


@contextmanager
def behaving(cloud, **switches):
    """Executions that start in this block."""
    before, cloud.switches = cloud.switches, replace(cloud.switches, **switches)
    try:
        yield
    finally:
        cloud.switches = before


# -- a token that comes back while the function still runs


@contextmanager
def early(stack, way, item, **payload):
    """An execution whose token is on `item` while its function waits; Step Functions, the token, the execution.

    When the block ends, the function goes on.
    """
    gate = stack.gate(item)
    wait = invoking(stack, WAIT, payload={"put": item, "until": gate, **TOKEN, **payload}, TimeoutSeconds=300)
    with behaving(stack.cloud, early_completion=way):
        execution = begin(stack, wait)
    held = token(stack, item)
    try:
        yield stack.cloud.client("stepfunctions"), held, execution
    finally:
        stack.open(gate)


def steps(stack, execution):
    """What happened in its only state, by the history."""
    return [event["type"].removeprefix("Task") for event in history(stack, execution)][2:-2]


def test_an_early_success_is_kept_until_the_function_returns(stack):
    with early(stack, "kept", "kept") as (sfn, held, execution):
        sfn.send_task_success(taskToken=held, output='{"early": true}')
        assert refusal(sfn.send_task_success, taskToken=held, output="{}") == "TaskTimedOut"
    assert json.loads(stack.ended(execution)["output"]) == {"early": True}
    assert steps(stack, execution) == ["Scheduled", "Started", "Submitted", "Succeeded"]


def test_a_kept_success_is_lost_if_the_function_fails(stack):
    with early(stack, "kept", "kept and lost", **{"raise": "engaged"}) as (sfn, held, execution):
        sfn.send_task_success(taskToken=held, output="{}")
    assert stack.ended(execution)["error"] == "CarrierBusyError"


def test_an_early_success_ends_the_task_at_once(stack):
    with early(stack, "at_once", "at once", **{"raise": "engaged"}) as (sfn, held, execution):
        sfn.send_task_success(taskToken=held, output='{"early": true}')
        assert json.loads(stack.ended(execution)["output"]) == {"early": True}
    assert steps(stack, execution) == ["Scheduled", "Started", "Succeeded"]


def test_an_early_failure_ends_the_task_at_once(stack):
    with early(stack, "at_once", "fails at once") as (sfn, held, execution):
        sfn.send_task_failure(taskToken=held, error="CallStopping")
        assert stack.ended(execution)["error"] == "CallStopping"


def test_an_early_success_is_refused_and_a_later_one_is_not(stack):
    with early(stack, "refused", "refused early") as (sfn, held, execution):
        assert refusal(sfn.send_task_success, taskToken=held, output="{}") == "TaskTimedOut"
        assert refusal(sfn.send_task_failure, taskToken=held) == "TaskTimedOut"
    until(lambda: any(event["type"] == "TaskSubmitted" for event in history(stack, execution)))
    sfn.send_task_success(taskToken=held, output='{"early": false}')
    assert json.loads(stack.ended(execution)["output"]) == {"early": False}


def test_an_execution_keeps_the_switches_that_it_started_with(stack):
    gate = stack.gate("kept switches")
    wait = invoking(stack, WAIT, payload={"put": "kept switches", "until": gate, **TOKEN}, TimeoutSeconds=300)
    pause = {"Type": "Wait", "Seconds": 1, "Next": "Later"}
    with behaving(stack.cloud, early_completion="refused"):
        execution = begin(stack, pause, Later=wait)
    held = token(stack, "kept switches")
    sfn = stack.cloud.client("stepfunctions")
    assert refusal(sfn.send_task_success, taskToken=held, output="{}") == "TaskTimedOut"
    sfn.stop_execution(executionArn=execution)
    stack.open(gate)


def test_heartbeats_are_counted_from_the_functions_return(stack):
    wait = invoking(stack, WAIT, payload={"sleep": 1.5}, HeartbeatSeconds=1, TimeoutSeconds=60)
    about = run(stack, wait)
    assert about["error"] == "States.HeartbeatTimeout"
    assert seconds(about) > 2.4


# -- tokens


def test_a_token_is_as_long_as_those_of_aws(stack):
    execution = begin(stack, invoking(stack, WAIT, payload={"put": "long", **TOKEN}, TimeoutSeconds=300))
    held = token(stack, "long")
    assert 660 <= len(held) <= 2048
    sfn = stack.cloud.client("stepfunctions")
    other = held[:-4] + "AAAA"
    assert refusal(sfn.send_task_success, taskToken=other, output="{}") == "InvalidToken"
    sfn.stop_execution(executionArn=execution)


# -- what the function is given


def test_the_payload_may_have_the_whole_input_and_each_attempt_its_number(stack):
    """`$$.State.EnteredTime` is the state's, `RetryCount` the attempt's."""
    payload = {"given.$": "$", "entered.$": "$$.State.EnteredTime", "retries.$": "$$.State.RetryCount"}
    again = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    state = invoking(stack, payload={**payload, "raise": "engaged"}, Retry=again)
    execution = begin(stack, state, {"call": {"id": "1"}})
    stack.ended(execution)
    scheduled = [
        event["taskScheduledEventDetails"] for event in history(stack, execution) if "Scheduled" in event["type"]
    ]
    given = [json.loads(each["parameters"])["Payload"] for each in scheduled]
    assert [each["retries"] for each in given] == [0, 1, 2]
    assert {each["entered"] for each in given} == {given[0]["entered"]}
    assert [each["given"] for each in given] == [{"call": {"id": "1"}}] * 3


def test_a_function_without_a_payload_is_given_an_empty_one(stack):
    state = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": stack.resources["Probe"]}, "End": True}
    result = json.loads(run(stack, state)["output"])
    assert result["Payload"]["event"] == {}
    assert (result["StatusCode"], result["ExecutedVersion"]) == (200, "$LATEST")


@pytest.mark.parametrize(
    ("invoke", "error"),
    [
        ({"InvocationType": "Event"}, "States.Runtime"),
        ({"Qualifier": "no-such-alias"}, "Lambda.ResourceNotFoundException"),
        ({"ClientContext": "e30="}, "States.Runtime"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_done_is_refused(stack, invoke, error):
    assert run(stack, invoking(stack, invoke=invoke))["error"] == error


def test_a_qualifier_chooses_the_version_and_needs_a_permission_of_its_own(stack):
    client, function = stack.cloud.client("lambda"), stack.resources["Probe"]
    version = client.publish_version(FunctionName=function)["Version"]
    state = invoking(stack, invoke={"Qualifier": version})
    denied = run(stack, state)
    assert denied["error"] == "Lambda.AccessDeniedException"
    assert f":function:{function}:{version}" in denied["cause"]
    role = _role(stack, f"arn:aws:lambda:*:*:function:{function}:{version}")
    assert json.loads(run(stack, state, role=role)["output"])["ExecutedVersion"] == version
    twice = invoking(stack, invoke={"FunctionName": f"{function}:{version}", "Qualifier": "other"})
    assert run(stack, twice, role=role)["error"] == "Lambda.InvalidParameterValueException"


def _role(stack, function):
    iam, name = stack.cloud.client("iam"), f"invokes-{next(_names)}"
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    may = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=policy)
    return role


# -- faults


@pytest.mark.parametrize("way", ["in_turn", "together"])
def test_a_function_may_be_invoked_twice_with_one_token(stack, way):
    wait = invoking(stack, WAIT, payload={"say": f"twice {way}", "sleep": 0.3, **TOKEN}, TimeoutSeconds=300)
    with behaving(stack.cloud, repeated_invocation=way):
        execution = begin(stack, wait)
        until(lambda: stack.seen("Probe").count(f"twice {way}") == 2)
    assert [event["type"] for event in history(stack, execution)].count("TaskScheduled") == 1
    stack.cloud.client("stepfunctions").stop_execution(executionArn=execution)


@pytest.mark.parametrize(
    ("payload", "error", "name"),
    [
        ({"exit": 3}, "Runtime.ExitError", "error_type"),
        ({"exit": 3}, "Lambda.Unknown", "unknown"),
        ({"raise": "engaged"}, "CarrierBusyError", "unknown"),
    ],
)
def test_a_function_that_fails_fails_its_task(stack, payload, error, name):
    with behaving(stack.cloud, crash_name=name):
        about = run(stack, invoking(stack, payload=payload))
    assert about["error"] == error
    assert payload.get("raise", "") in about["cause"]


def test_a_function_that_times_out_fails_its_task(stack):
    with stack.configured(Timeout=1):
        about = run(stack, invoking(stack, payload={"until": stack.gate("never")}))
    assert about["error"] == "Sandbox.Timedout"


def test_a_throttled_function_fails_its_task_and_may_be_tried_again(stack):
    again = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    with throttled(stack.resources["Probe"], times=2):
        execution = begin(stack, invoking(stack, Retry=again))
        assert stack.ended(execution)["status"] == "SUCCEEDED"
    failed = [event["taskFailedEventDetails"] for event in history(stack, execution) if event["type"] == "TaskFailed"]
    assert [each["error"] for each in failed] == ["Lambda.TooManyRequestsException"] * 2


@pytest.mark.parametrize(("when", "written"), [("before", False), ("after", True)])
def test_a_function_dies_at_its_first_write(stack, when, written):
    item = f"dies {when}"
    with dies(stack.resources["Probe"], at="dynamodb:PutItem", when=when) as deaths:
        about = run(stack, invoking(stack, payload={"put": item}))
    assert about["error"] == "Runtime.ExitError"
    assert deaths == ["dynamodb:PutItem"]
    found = stack.dynamodb.get_item(TableName=stack.outputs["Table"], Key={"id": {"S": item}}, ConsistentRead=True)
    assert ("Item" in found) is written
    assert run(stack, invoking(stack, payload={"put": item}))["status"] == "SUCCEEDED"


# -- the history


def test_the_history_has_each_step_of_a_callback(stack):
    wait = invoking(stack, WAIT, payload={"call": "1"}, HeartbeatSeconds=1, TimeoutSeconds=300)
    execution = begin(stack, wait)
    stack.ended(execution)
    told = {
        event["type"]: event.get(f"{event['type'][0].lower()}{event['type'][1:]}EventDetails")
        for event in history(stack, execution)
    }
    about = {"resourceType": "lambda", "resource": "invoke.waitForTaskToken"}
    scheduled = told["TaskScheduled"]
    assert json.loads(scheduled.pop("parameters"))["Payload"] == {"call": "1"}
    assert scheduled == {**about, "region": stack.cloud.region, "timeoutInSeconds": 300, "heartbeatInSeconds": 1}
    assert told["TaskStarted"] == about
    assert json.loads(told["TaskSubmitted"]["output"])["Payload"]["event"] == {"call": "1"}
    assert told["TaskTimedOut"]["error"] == "States.HeartbeatTimeout"
    assert list(told) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskTimedOut",
        "ExecutionFailed",
    ]
