"""Task states that wait: limits, heartbeats, tokens, retries. On the real clock, as the lab runs them."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.e2e.waiting import until

INVOKE = "arn:aws:states:::lambda:invoke"
WAIT = f"{INVOKE}.waitForTaskToken"


def wait_state(stack, **more):
    """A wait whose function leaves its token on the item named in the input."""
    call = {"FunctionName": stack.resources["Probe"], "Payload": {"put.$": "$.id", "token.$": "$$.Task.Token"}}
    return {"Type": "Task", "Resource": WAIT, "Parameters": call, "End": True, **more}


def token(stack, item):
    """The token that a wait left on an item."""

    def look():
        found = stack.dynamodb.get_item(TableName=stack.outputs["Table"], Key={"id": {"S": item}}, ConsistentRead=True)
        return found.get("Item", {}).get("listener", {}).get("S")

    return until(look)


def seconds(about):
    return (about["stopDate"] - about["startDate"]).total_seconds()


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        ({"TimeoutSecondsPath": "$.limit"}, "States.Timeout"),
        ({"HeartbeatSeconds": 1, "TimeoutSeconds": 60}, "States.HeartbeatTimeout"),
        ({"HeartbeatSecondsPath": "$.limit", "TimeoutSeconds": 60}, "States.HeartbeatTimeout"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wait_ends_at_its_limit(stack, limit, error, request):
    machine = stack.state_machine(
        f"limit-{request.node.callspec.id}".strip("-")[:60], {"Wait": wait_state(stack, **limit)}
    )
    about = stack.run(machine, {"id": f"limit {limit}", "limit": 1})
    assert (about["status"], about["error"]) == ("FAILED", error)
    assert seconds(about) > 0.9
    late = token(stack, f"limit {limit}")
    assert refusal(stack.cloud.client("stepfunctions").send_task_success, taskToken=late, output="{}") == "TaskTimedOut"


def test_a_limit_that_is_no_positive_integer_is_a_runtime_error(stack):
    machine = stack.state_machine("limit-wrong", {"Wait": wait_state(stack, TimeoutSecondsPath="$.limit")})
    about = stack.ended(stack.start(machine, {"id": "wrong", "limit": 0}))
    assert about["error"] == "States.Runtime"


def test_the_limit_of_a_callback_runs_from_its_call(stack):
    gate = stack.gate("limit of a call")
    call = {"FunctionName": stack.resources["Probe"], "Payload": {"until": gate}}
    state = {
        "Type": "Task",
        "Resource": WAIT,
        "Parameters": call,
        "TimeoutSeconds": 1,
        "End": True,
    }
    about = stack.run(stack.state_machine("limit-of-call", {"Call": state}))
    assert about["error"] == "States.Timeout", "although the function still runs"
    stack.open(gate)


def test_heartbeats_keep_a_wait_alive(stack):
    machine = stack.state_machine("beats", {"Wait": wait_state(stack, HeartbeatSeconds=6, TimeoutSeconds=300)})
    execution = stack.start(machine, {"id": "beating"})
    sfn, held = stack.cloud.client("stepfunctions"), token(stack, "beating")
    begun = time.monotonic()
    while time.monotonic() < begun + 7:
        sfn.send_task_heartbeat(taskToken=held)
        time.sleep(0.2)
    sfn.send_task_success(taskToken=held, output='{"alive": true}')
    assert json.loads(stack.ended(execution)["output"]) == {"alive": True}


def test_every_attempt_has_a_token_of_its_own(stack):
    again = [{"ErrorEquals": ["Engaged"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    machine = stack.state_machine("fresh", {"Wait": wait_state(stack, TimeoutSeconds=300, Retry=again)})
    execution = stack.start(machine, {"id": "fresh"})
    sfn, first = stack.cloud.client("stepfunctions"), token(stack, "fresh")
    sfn.send_task_failure(taskToken=first, error="Engaged")
    second = until(lambda: (now := token(stack, "fresh")) != first and now)
    assert refusal(sfn.send_task_success, taskToken=first, output="{}") == "TaskTimedOut"
    sfn.send_task_success(taskToken=second, output="{}")
    assert stack.ended(execution)["status"] == "SUCCEEDED"


def test_a_callback_whose_function_raises_has_failed(stack):
    call = {"FunctionName": stack.resources["Probe"], "Payload": {"raise": "engaged"}}
    state = {
        "Type": "Task",
        "Resource": WAIT,
        "Parameters": call,
        "TimeoutSeconds": 300,
        "End": True,
    }
    about = stack.run(stack.state_machine("raises", {"Call": state}))
    assert about["error"] == "CarrierBusyError"


def test_a_token_is_refused_by_what_it_is(stack):
    sfn = stack.cloud.client("stepfunctions")
    machine = stack.state_machine("refused", {"Wait": wait_state(stack, TimeoutSeconds=300)})
    execution = stack.start(machine, {"id": "refused"})
    held = token(stack, "refused")
    assert refusal(sfn.send_task_success, taskToken="never was one", output="{}") == "InvalidToken"
    assert refusal(sfn.send_task_success, taskToken=held, output="{") == "InvalidOutput"
    sfn.send_task_success(taskToken=held, output='{"first": true}')
    assert refusal(sfn.send_task_success, taskToken=held, output='{"second": true}') == "TaskTimedOut"
    assert refusal(sfn.send_task_heartbeat, taskToken=held) == "TaskTimedOut"
    assert json.loads(stack.ended(execution)["output"]) == {"first": True}


def test_a_stopped_execution_waits_no_longer(stack):
    sfn = stack.cloud.client("stepfunctions")
    execution = stack.start(stack.state_machine("stopped", {"Wait": wait_state(stack)}), {"id": "stopped"})
    held = token(stack, "stopped")
    sfn.stop_execution(executionArn=execution)
    assert refusal(sfn.send_task_success, taskToken=held, output="{}") == "TaskTimedOut"
    assert stack.ended(execution)["status"] == "ABORTED"


def test_retries_wait_at_most_the_longest_delay(stack):
    retry = {"ErrorEquals": ["CarrierBusyError"], "IntervalSeconds": 1, "BackoffRate": 1000.0, "MaxAttempts": 2}
    call = {"FunctionName": stack.resources["Probe"], "Payload": {"raise": "engaged"}}

    def state(**more):
        return {"Type": "Task", "Resource": INVOKE, "Parameters": call, "Retry": [{**retry, **more}], "End": True}

    about = stack.run(stack.state_machine("longest", {"Call": state(MaxDelaySeconds=1)}))
    assert (about["status"], about["error"]) == ("FAILED", "CarrierBusyError")
    assert seconds(about) > 1.9


def test_jitter_shortens_the_delay(stack, monkeypatch):
    """Full jitter: anything from nothing to the whole delay. A fixed source makes it a thousandth."""
    from lab.aws.overlay import retry as overlay_retry

    monkeypatch.setattr(overlay_retry._source, "uniform", lambda low, high: low + (high - low) / 1000)
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3000, "MaxAttempts": 1, "JitterStrategy": "FULL"}
    call = {"FunctionName": stack.resources["Probe"], "Payload": {"raise": "engaged"}}
    state = {"Type": "Task", "Resource": INVOKE, "Parameters": call, "Retry": [retry], "End": True}
    assert stack.run(stack.state_machine("jitter", {"Call": state}))["status"] == "FAILED", "after seconds, not hours"


def test_a_whole_execution_times_out(stack):
    machine = stack.state_machine("whole", {"Wait": wait_state(stack)}, TimeoutSeconds=1)
    about = stack.ended(stack.start(machine, {"id": "whole"}))
    assert about["status"] == "TIMED_OUT"
