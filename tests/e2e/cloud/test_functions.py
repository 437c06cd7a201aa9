"""A Lambda function on the corrected cloud: its errors, its process, what it can see and do."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.aws.overlay import lambda_pool, lambda_process
from tests.e2e.waiting import until


def test_an_exception_is_reported_under_its_class_name_with_its_trace(stack):
    failed, told = stack.invoke({"raise": "engaged"})
    assert failed == "Unhandled"
    assert (told["errorType"], told["errorMessage"]) == ("CarrierBusyError", "engaged")
    assert "in handler" in told["stackTrace"][-1]
    assert told["requestId"]


def test_a_function_that_raised_stays_warm(stack):
    _, before = stack.invoke({})
    stack.invoke({"raise": "engaged"})
    _, after = stack.invoke({})
    assert before["pid"] == after["pid"]


def test_a_process_that_ends_is_an_exit_error_and_the_next_invocation_is_served(stack):
    failed, told = stack.invoke({"exit": 3})
    assert (failed, told["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert "exit status 3" in told["errorMessage"]
    assert stack.invoke({})[0] is None


def test_each_process_has_a_log_stream_of_its_own(stack):
    """The one whose name it has."""

    def ran():
        stack.invoke({"say": "hello"})
        return stack.invoke({})[1]["log_stream"]

    first = ran()
    stack.invoke({"exit": 3})
    second = ran()
    logs, group = stack.cloud.client("logs"), f"/aws/lambda/{stack.resources['Probe']}"
    written = {
        stream: [
            event["message"].split()[0]
            for event in logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
        ]
        for stream in (first, second)
    }
    assert first != second
    both = ["START", "saw", "END", "REPORT", "START", "END", "REPORT"]
    assert written[first][-10:] == [*both, "START", "END", "REPORT"]
    assert written[second] == both


def test_a_time_out_ends_the_process_and_says_so(stack):
    with stack.configured(Timeout=1):
        failed, told = stack.invoke({"until": stack.gate("time out")})
    assert (failed, told["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert told["errorMessage"].endswith("Task timed out after 1.00 seconds")


@pytest.mark.parametrize(("start", "time_out", "failed"), [(1.5, 60, None), (60.0, 1, "Unhandled")])
def test_a_slow_start_may_use_the_function_s_time_out_as_well(stack, monkeypatch, start, time_out, failed):
    monkeypatch.setattr(lambda_process, "_INIT_SECONDS", 0.5)
    functions, probe = stack.cloud.client("lambda"), stack.resources["Probe"]
    usual = functions.get_function_configuration(FunctionName=probe)["Environment"]["Variables"]
    slow = {**usual, "START_SECONDS": str(start)}
    with stack.configured(Timeout=time_out, Environment={"Variables": slow}):
        assert stack.invoke({})[0] == failed


def test_a_silent_invocation_waits_for_no_output(stack):
    """MiniStack alone waits 50 ms for output that never comes, after every invocation."""

    def took():
        start = time.perf_counter()
        stack.invoke({})
        return time.perf_counter() - start

    until(lambda: took() < 0.05)


def test_a_function_finds_its_layer_and_the_runtime_and_nothing_of_ours(stack):
    _, found = stack.invoke({"importable": ["toolbox", "boto3", "ministack", "pytest", "h11", "yaml", "lab"]})
    assert found == {
        "toolbox": True,
        "boto3": True,
        "ministack": False,
        "pytest": False,
        "h11": False,
        "yaml": False,
        "lab": False,
    }


def test_a_layer_is_loaded_from_its_bytecode(stack):
    _, told = stack.invoke({"recompiled": True})
    assert told["loaded_from_cache"], told


def test_the_environment_is_the_functions_own(stack, monkeypatch):
    monkeypatch.setenv("A_SECRET_OF_THE_SHELL", "1")
    stack.invoke({"exit": 1})
    _, told = stack.invoke({})
    assert told["greeting"] == "hello"
    assert {"AWS_REGION", "AWS_SESSION_TOKEN", "AWS_LAMBDA_FUNCTION_NAME", "LAMBDA_TASK_ROOT"} <= set(
        told["environment"]
    )
    assert "A_SECRET_OF_THE_SHELL" not in told["environment"]
    assert 30_000 < told["left"] <= 60_000


def test_a_function_may_do_what_its_role_says_and_nothing_else(stack):
    assert stack.invoke({"put": "allowed"})[0] is None
    failed, told = stack.invoke({"scan": True})
    assert failed == "Unhandled"
    assert "not authorized to perform: dynamodb:Scan" in told["errorMessage"]


def test_reserved_concurrency_of_the_template_throttles(stack):
    function = stack.resources["Probe"]
    client = stack.cloud.client("lambda")
    assert client.get_function_concurrency(FunctionName=function)["ReservedConcurrentExecutions"] == 8

    gate, refused = stack.gate("reserved"), []

    def invoke(_):
        try:
            return stack.invoke({"until": gate})[0] or "served"
        except client.exceptions.TooManyRequestsException:
            refused.append(True)
            return "refused"

    with ThreadPoolExecutor(12) as callers:
        outcomes = callers.map(invoke, range(12))
        try:
            until(lambda: len(refused) >= 12 - 8)
        finally:
            stack.open(gate)
    assert sorted(outcomes) == ["refused"] * len(refused) + ["served"] * (12 - len(refused))


def test_a_burst_of_short_invocations_starts_no_processes(stack, monkeypatch):
    """Each waits for a warm one: usually not for long, here until there is one."""
    monkeypatch.setattr(lambda_pool, "WARM_WAIT_SECONDS", 600.0)
    stack.invoke({"exit": 1})
    _, told = stack.invoke({})
    warm = {process.pid for _, _, process in lambda_process.workers()}
    with ThreadPoolExecutor(8) as callers:
        served_by = {told["pid"] for _, told in callers.map(stack.invoke, [{}] * 8)}
    assert told["pid"] in warm
    assert served_by <= warm
