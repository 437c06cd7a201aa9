"""One state machine alone, by `lab.aws.flow`: an hour of its time passes in moments."""

import pytest

from lab.aws.flow import DIED, Flow, StateFailed, definition
from lab.aws.invocation import FunctionFailed
from lab.aws.overlay.timing import Clock
from lab.aws.switches import CloudSwitches

THROTTLED = "ChimeSdkVoice.ThrottledClientException"

STORY = {
    "StartAt": "Dial",
    "States": {
        "Dial": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:chimesdkvoice:createSipMediaApplicationCall",
            "Parameters": {"ToPhoneNumber.$": "$.caller"},
            "Retry": [
                {
                    "ErrorEquals": [THROTTLED],
                    "IntervalSeconds": 1,
                    "BackoffRate": 2.0,
                    "MaxDelaySeconds": 5,
                    "MaxAttempts": 3,
                    "JitterStrategy": "FULL",
                }
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Gave up"}],
            "ResultPath": None,
            "Next": "Until it answers",
        },
        "Until it answers": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken",
            "Parameters": {"Token.$": "$$.Task.Token"},
            "TimeoutSecondsPath": "$.limit",
            "HeartbeatSeconds": 1200,
            "Catch": [{"ErrorEquals": ["States.Timeout", "States.HeartbeatTimeout"], "Next": "Gave up"}],
            "End": True,
        },
        "Gave up": {"Type": "Succeed"},
    },
}
GIVEN = {"caller": "+12025550111", "limit": 3600}


def test_a_told_wait_goes_on():
    flow = Flow(STORY, lambda task: {})
    run = flow.start({**GIVEN, "limit": 36000})
    token = run.token("Until it answers")
    assert flow.succeed(token, {"answered": True}) is None
    assert run.finish().output == {"answered": True}
    assert run.visited == ["Dial", "Until it answers"]
    assert flow.succeed(token, {"answered": True}) == "TaskTimedOut"


def test_hours_pass_in_moments():
    flow = Flow({**STORY, "StartAt": "Until it answers"}, lambda task: {}, clock=Clock(0.0001))
    run = flow.start(GIVEN).finish(seconds=3)
    assert run.output["Error"] == "States.HeartbeatTimeout"
    assert run.visited == ["Until it answers", "Gave up"]


def test_a_heartbeat_is_on_the_flows_own_clock():
    flow = Flow({**STORY, "StartAt": "Until it answers"}, lambda task: {}, clock=Clock(0.001))
    run = flow.start(GIVEN)
    token = run.token("Until it answers")
    assert flow.beat(token) is None
    assert flow.succeed(token, 1) is None
    assert run.finish().output == 1
    assert flow.beat(token) == "TaskTimedOut"


def test_a_refused_dial_is_tried_as_often_as_said():
    def busy(task):
        raise StateFailed(THROTTLED, "slow down")

    run = Flow(STORY, busy).start(GIVEN).finish()
    assert [task.parameters for task in run.tasks] == [{"ToPhoneNumber": "+12025550111"}] * 4
    assert run.output == {"Error": THROTTLED, "Cause": "slow down"}


def test_another_error_is_not_tried_again():
    def broken(task):
        raise StateFailed("ChimeSdkVoice.ServiceFailureException")

    run = Flow(STORY, broken).start(GIVEN).finish()
    assert (len(run.tasks), run.visited) == (1, ["Dial", "Gave up"])


def test_a_failed_execution_says_why():
    run = Flow(STORY, lambda task: {}).start({"limit": 1}).finish()
    assert (run.status, run.error, run.output) == ("FAILED", "States.Runtime", None)
    assert "$.caller" in str(run.cause)


RINGING = {
    "StartAt": "Ring",
    "States": {
        "Ring": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "flow", "Payload": {"token.$": "$$.Task.Token", "given.$": "$"}},
            "TimeoutSeconds": 60,
            "Retry": [{"ErrorEquals": ["Runtime.ExitError"], "IntervalSeconds": 1, "MaxAttempts": 1}],
            "End": True,
        }
    },
}


def test_a_function_may_die_where_it_stands():
    """And be tried again, with a token of its own; its error is called as the cloud's switch says."""

    attempts: list[str] = []  # not run.tasks: a state may be entered before `start` has returned the run

    def dies_first(task):
        attempts.append(task.token)
        if len(attempts) == 1:
            raise FunctionFailed(DIED)
        flow.succeed(task.token, "woken")

    flow = Flow(RINGING, dies_first)
    run = flow.start({"call": "1"})
    assert run.finish().output == "woken"
    assert [task.payload["given"] for task in run.tasks] == [{"call": "1"}] * 2
    assert len({task.payload["token"] for task in run.tasks}) == 2
    attempts.clear()
    flow = Flow(RINGING, dies_first, behaviour=CloudSwitches(crash_name="unknown"))
    run = flow.start({"call": "1"})
    assert (run.finish().error, len(run.tasks)) == ("Lambda.Unknown", 1)


@pytest.mark.parametrize(
    ("way", "said", "ended"),
    [("kept", None, "FAILED"), ("at_once", None, "SUCCEEDED"), ("refused", "TaskTimedOut", "FAILED")],
)
def test_a_token_may_come_back_before_the_function_has_failed(way, said, ended):
    def wakes_then_fails(task):
        answers.append(flow.succeed(task.token, {}))
        raise FunctionFailed("CallerSilent")

    answers: list[str | None] = []
    flow = Flow(RINGING, wakes_then_fails, behaviour=CloudSwitches(early_completion=way))
    assert flow.start({}).finish().status == ended
    assert answers == [said]


def test_substitutions_are_filled_in_and_none_is_forgotten(tmp_path):
    document = tmp_path / "flow.asl.yaml"
    document.write_text("StartAt: A\nStates: {A: {Type: Task, Resource: '${Settle}', End: true}}\n")
    assert definition(document, Settle="arn:x")["States"]["A"]["Resource"] == "arn:x"
    with pytest.raises(AssertionError, match=r"\$\{Settle\}"):
        definition(document)
