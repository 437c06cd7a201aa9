"""Starting executions, and what a state machine's tasks may call and how their errors are named."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud.conftest import until

SDK = "arn:aws:states:::aws-sdk"
SMA = "12345678-aaaa-bbbb-cccc-1234567890ab"


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


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Parameters": {"x.$": "$.absent"}, "End": True},
        {"Type": "Pass", "Parameters": {"x.$": "States.Format('{}', $.absent)"}, "End": True},
        {"Type": "Choice", "Choices": [{"Variable": "$.absent", "IsNull": False, "Next": "Done"}], "Default": "Done"},
    ],
    ids=["parameters", "intrinsic", "choice"],
)
def test_a_path_to_nothing_fails_and_is_not_caught(stack, state, request):
    """Inside a Parallel that catches everything: States.Runtime goes through `States.ALL`."""
    branch = {"StartAt": "Look", "States": {"Look": state, "Done": {"Type": "Succeed"}}}
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    states = {
        "All": {"Type": "Parallel", "Branches": [branch], "Catch": caught, "End": True},
        "Caught": {"Type": "Succeed"},
    }
    about = stack.run(stack.state_machine(f"absent-{request.node.callspec.id}", states))
    assert (about["status"], about["error"]) == ("FAILED", "States.Runtime")


def test_null_is_present(stack):
    choices = [{"Variable": "$.there", "IsPresent": True, "Next": "Yes"}]
    states = {
        "Look": {"Type": "Choice", "Choices": choices, "Default": "No"},
        "Yes": {"Type": "Pass", "Result": "yes", "End": True},
        "No": {"Type": "Pass", "Result": "no", "End": True},
    }
    about = stack.run(stack.state_machine("null", states), {"there": None})
    assert json.loads(about["output"]) == "yes"


def chime_that_answers(status, code=""):
    """A handler in the place of the telephone network; keeps the paths it was asked for."""
    asked = []

    async def handle(method, path, headers, body, query):
        asked.append((method, path, json.loads(body or b"{}")))
        if code:
            return status, {"x-amzn-ErrorType": code}, json.dumps({"Code": code, "Message": "no"}).encode()
        call = {"SipMediaApplicationCall": {"TransactionId": "t-1"}}
        return status, {"Content-Type": "application/json"}, json.dumps(call).encode()

    return handle, asked


def dial(stack, name, role=None):
    parameters = {
        "FromPhoneNumber": "+12025550100",
        "ToPhoneNumber": "+12025550111",
        "SipMediaApplicationId": SMA,
        "ArgumentsMap": {"call": "1"},
    }
    resource = f"{SDK}:chimesdkvoice:createSipMediaApplicationCall"
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}
    return stack.run(stack.state_machine(name, {"Dial": state}, role=role))


@pytest.fixture(scope="module")
def dialler(cloud):
    """A role that may dial, and nothing else."""
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="dialler", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    arn = f"arn:aws:chime:{cloud.region}:{cloud.account}:sma/{SMA}"
    allowed = {"Effect": "Allow", "Action": "chime:CreateSipMediaApplicationCall", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="dialler", PolicyName="dial", PolicyDocument=policy)
    return role


def test_a_state_machine_dials_as_its_role(stack, cloud, dialler):
    handle, asked = chime_that_answers(201)
    cloud.register("chime", handle, model="chime-sdk-voice")
    about = dial(stack, "dials", dialler)
    assert json.loads(about["output"]) == {"SipMediaApplicationCall": {"TransactionId": "t-1"}}
    [(method, path, body)] = asked
    assert (method, path) == ("POST", f"/sip-media-applications/{SMA}/calls")
    assert body["ArgumentsMap"] == {"call": "1"}


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (429, "ThrottledClientException", "ChimeSdkVoice.ThrottledClientException"),
        (400, "ResourceLimitExceededException", "ChimeSdkVoice.ResourceLimitExceededException"),
        (400, "ResourceLimitExceeded", "ChimeSdkVoice.ResourceLimitExceededException"),
        (418, "Teapot", "ChimeSdkVoice.ChimeSdkVoiceException"),
    ],
)
def test_a_refusal_of_the_network_has_the_name_that_asl_catches(stack, cloud, dialler, status, code, error):
    handle, asked = chime_that_answers(status, code)
    cloud.register("chime", handle, model="chime-sdk-voice")
    about = dial(stack, f"refused-{status}-{code}", dialler)
    assert (about["status"], about["error"]) == ("FAILED", error)
    assert len(asked) == 1, "a dial is never repeated by itself"


def test_a_state_machine_may_not_dial_without_its_roles_leave(stack, cloud):
    handle, asked = chime_that_answers(201)
    cloud.register("chime", handle, model="chime-sdk-voice")
    about = dial(stack, "not-allowed")
    assert about["status"] == "FAILED"
    assert "not authorized to perform: chime:CreateSipMediaApplicationCall" in about["cause"]
    assert asked == []


@pytest.mark.parametrize(
    ("resource", "parameters", "action"),
    [
        (f"{SDK}:dynamodb:scan", lambda stack: {"TableName": stack.outputs["Table"]}, "dynamodb:Scan"),
        ("arn:aws:states:::lambda:invoke", lambda stack: {"FunctionName": stack.resources["Notify"]}, "lambda:Invoke"),
        (
            "arn:aws:states:::sqs:sendMessage",
            lambda stack: {"QueueUrl": stack.outputs["Lost"], "MessageBody": "x"},
            "sqs:SendMessage",
        ),
    ],
    ids=["aws-sdk", "lambda", "sqs"],
)
def test_a_task_may_do_what_the_role_says_and_nothing_else(stack, resource, parameters, action, request):
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters(stack), "End": True}
    about = stack.run(stack.state_machine(f"denied-{request.node.callspec.id}", {"Do": state}))
    assert about["status"] == "FAILED"
    assert f"not authorized to perform: {action}" in about["cause"]


def test_any_service_can_be_called(stack):
    """EventBridge Scheduler is one that MiniStack's own table of integrations does not have."""
    state = {"Type": "Task", "Resource": f"{SDK}:scheduler:listSchedules", "Parameters": {}, "End": True}
    role = stack.cloud.client("iam").create_role(
        RoleName="scheduler",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
                ],
            }
        ),
    )["Role"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "scheduler:*", "Resource": "*"}]}
    stack.cloud.client("iam").put_role_policy(RoleName="scheduler", PolicyName="all", PolicyDocument=json.dumps(policy))
    about = stack.run(stack.state_machine("scheduler", {"List": state}, role=role["Arn"]))
    assert json.loads(about["output"])["Schedules"] == []


def test_nothing_is_left_running(stack, waiting):
    """What these tests started is stopped; the cloud would stop it with itself."""
    sfn = stack.cloud.client("stepfunctions")
    running = sfn.list_executions(stateMachineArn=waiting, statusFilter="RUNNING")["executions"]
    for execution in running:
        sfn.stop_execution(executionArn=execution["executionArn"])
    assert until(lambda: not sfn.list_executions(stateMachineArn=waiting, statusFilter="RUNNING")["executions"])
