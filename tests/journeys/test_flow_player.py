"""What the player makes of a state whose function waits with a token; the lab's cloud does the same."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest

from lab.aws.switches import CloudSwitches
from pstn.clocks import JumpingClock
from tests.journeys.asl import TaskFailed
from tests.journeys.flow_player import FlowPlayer, FunctionDied, InvocationFault

RING, TALK, LATE, LOST = "Ring", "Talk", "Late", "Lost"
INVOKE = "arn:aws:states:::lambda:invoke"


def document(**more):
    """Two waits of one function, and where they lead."""
    payload = {
        "do": "ring",
        "token.$": "$$.Task.Token",
        "since.$": "$$.State.EnteredTime",
        "retry.$": "$$.State.RetryCount",
        "given.$": "$",
    }
    catch = [
        {"ErrorEquals": ["States.Timeout"], "ResultPath": "$.caught", "Next": LATE},
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.caught", "Next": LOST},
    ]
    wait = {
        "Type": "Task",
        "Resource": f"{INVOKE}.waitForTaskToken",
        "Parameters": {"FunctionName": "flow", "Payload": payload},
        "TimeoutSecondsPath": "$.seconds",
        "ResultPath": None,
        "Catch": catch,
    }
    talk = {**wait, "Parameters": {"FunctionName": "flow", "Payload": {**payload, "do": "talk"}}, "End": True}
    return {
        "StartAt": RING,
        "States": {
            RING: {**wait, "Next": TALK, **more},
            TALK: talk,
            LATE: {"Type": "Succeed"},
            LOST: {"Type": "Succeed"},
        },
    }


class Stage:
    """A player whose function does what `steps` say, one for each run; with none left it keeps its token in `held`."""

    def __init__(self, *steps, given=None, behaviour=None, chance=lambda: 1.0, **more):
        self.clock = JumpingClock(datetime(2026, 11, 23, 9, tzinfo=UTC))
        functions = {"flow": self.function}
        self.player = FlowPlayer(document(**more), self.clock, functions, behaviour=behaviour, chance=chance)
        self.steps, self.payloads, self.at, self.held = list(steps), [], [], []
        self.given = {"seconds": 60} if given is None else given

    def function(self, payload):
        self.payloads.append(payload)
        self.at.append((self.clock.now() - datetime(2026, 11, 23, 9, tzinfo=UTC)).total_seconds())
        self.held.append(payload["token"])
        if self.steps:
            step = self.steps.pop(0)
            if step is not None:
                step(payload)
        return {}

    def run(self, seconds=1000.0):
        self.player.start("call", self.given)
        self.clock.run_for(seconds)
        return self

    @property
    def entered(self):
        return self.player.executions["call"].entered

    @property
    def status(self):
        return self.player.executions["call"].status

    def wakes(self, payload):
        self.woke = self.player.succeed(payload["token"])

    def wakes_later(self, payload):
        self.clock.call_later(5, lambda: self.wakes(payload))


def raises(error):
    def step(payload):
        raise error

    return step


class CallerSilent(Exception):
    """An error of the function, by its class's name."""


def stage(*names, **more):
    """Steps by the names of Stage's methods, or as they are."""
    made = Stage(**more)
    made.steps = [getattr(made, each) if isinstance(each, str) else each for each in names]
    return made


def test_a_wait_goes_on_when_its_token_comes_back():
    played = stage("wakes_later", "wakes_later").run()
    assert (played.entered, played.status) == ([RING, TALK], "SUCCEEDED")
    assert played.at == [0, 5]
    assert [each["do"] for each in played.payloads] == ["ring", "talk"]
    assert [each["given"] for each in played.payloads] == [{"seconds": 60}] * 2
    assert len(set(played.held)) == 2


def test_a_wait_whose_token_never_comes_back_times_out():
    played = stage(None).run()
    assert played.entered == [RING, LATE]
    assert played.player.executions["call"].data["caught"]["Error"] == "States.Timeout"
    assert not played.player.succeed(played.held[0])


@pytest.mark.parametrize("seconds", [0, -1, True, "60", None])
def test_a_time_out_is_a_whole_number_from_one_on(seconds):
    """States.Runtime, which States.ALL does not catch."""
    assert stage(given={"seconds": seconds}).run().status == "FAILED States.Runtime"
    assert stage(given={}).run().status == "FAILED States.Runtime"


def test_a_function_fails_by_the_name_of_its_error():
    assert stage(raises(CallerSilent())).run().player.failures == [(RING, "CallerSilent")]
    assert stage(raises(TaskFailed("DialRefused"))).run().player.failures == [(RING, "DialRefused")]


def test_a_function_that_dies_does_nothing_more():
    seen = []

    def dies(payload):
        with suppress(Exception):
            raise FunctionDied
        seen.append("caught")

    assert stage(dies).run().player.failures == [(RING, "Runtime.ExitError")]
    assert stage(dies, behaviour=CloudSwitches(crash_name="unknown")).run().player.failures == [
        (RING, "Lambda.Unknown")
    ]
    assert seen == []


AGAIN = {
    "ErrorEquals": ["States.TaskFailed"],
    "IntervalSeconds": 2,
    "BackoffRate": 2.0,
    "MaxAttempts": 3,
    "MaxDelaySeconds": 5,
    "JitterStrategy": "FULL",
}


@pytest.mark.parametrize(("chance", "at"), [(1.0, [0, 2.02, 6.04, 11.06]), (0.5, [0, 1.02, 3.04, 5.56])])
def test_retries_wait_by_their_rule_and_have_each_a_token(chance, at):
    played = stage(*[raises(CallerSilent())] * 9, chance=lambda: chance, Retry=[AGAIN]).run()
    assert played.at == pytest.approx(at)
    assert [each["retry"] for each in played.payloads] == [0, 1, 2, 3]
    assert len({each["since"] for each in played.payloads}) == 1
    assert len(set(played.held)) == 4
    assert played.entered == [RING, LOST]


@pytest.mark.parametrize(
    ("way", "woke", "at"), [("kept", True, [0, 0.02]), ("at_once", True, [0, 0]), ("refused", False, [0])]
)
def test_a_token_may_come_back_before_its_function_has_returned(way, woke, at):
    played = stage("wakes", behaviour=CloudSwitches(early_completion=way)).run(30)
    assert (played.woke, played.at) == (woke, at)


@pytest.mark.parametrize(("way", "entered"), [("kept", LOST), ("at_once", TALK), ("refused", LOST)])
def test_an_early_token_and_an_error_after_it(way, entered):
    def wakes_and_raises(payload):
        played.player.succeed(payload["token"])
        raise CallerSilent

    played = stage(wakes_and_raises, behaviour=CloudSwitches(early_completion=way))
    assert played.run(30).entered == [RING, entered]


def test_a_function_that_outlives_its_state_is_not_heard():
    played = stage("wakes_later", given={"seconds": 10})
    played.player.fault = lambda invocation: InvocationFault(seconds=20)
    assert played.run().entered == [RING, LATE]


@pytest.mark.parametrize(("way", "at"), [("in_turn", [0, 0.02]), ("together", [0, 0])])
def test_a_function_may_run_twice_with_one_token(way, at):
    played = stage(None, None, behaviour=CloudSwitches(repeated_invocation=way)).run(30)
    assert (played.at, len(set(played.held))) == (at, 1)


def test_of_a_function_that_runs_twice_the_second_outcome_counts():
    twice = CloudSwitches(repeated_invocation="in_turn")
    assert stage(raises(CallerSilent()), None, behaviour=twice).run(30).player.failures == []
    assert stage(None, raises(CallerSilent()), behaviour=twice).run(30).player.failures == [(RING, "CallerSilent")]


def test_an_attempt_that_was_given_up_may_run_later():
    """Its token is dead by then, the one of the next attempt is not."""
    played = stage(None, None, Retry=[AGAIN])
    given_up = InvocationFault(error="Lambda.SdkClientException", after=10)
    played.player.fault = lambda invocation: given_up if invocation.attempt == 0 else InvocationFault()
    played.run(30)
    assert [each["retry"] for each in played.payloads] == [1, 0]
    assert played.at == [2, 10]
    assert [played.player.succeed(token) for token in played.held] == [True, False]


def test_a_function_that_was_refused_did_not_run():
    played = stage(Retry=[AGAIN])
    throttled = InvocationFault(error="Lambda.TooManyRequestsException", runs=0)
    played.player.fault = lambda invocation: throttled if invocation.attempt < 2 else InvocationFault()
    assert [each["retry"] for each in played.run(30).payloads] == [2]
