"""What AWS counts, and what goes off by it: each count here is one that MiniStack does not have."""

import json
import time

import pytest

from lab.aws.overlay import passing
from lab.aws.overlay.alarms import values_of
from tests.e2e.cloud.test_faults import behaving
from tests.e2e.waiting import until


def total(stack, namespace, name, statistic="Sum", **dimensions):
    """A statistic of the last hour; 0 without data. Without dimensions MiniStack adds those with any."""
    points = stack.cloud.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=passing.now() - 3600,
        EndTime=passing.now() + 60,
        Period=3600,
        Statistics=[statistic],
    )["Datapoints"]
    values = [point[statistic] for point in points]
    return max(values, default=0) if statistic == "Maximum" else sum(values)


def of_probe(stack, name, statistic="Sum"):
    return total(stack, "AWS/Lambda", name, statistic, FunctionName=stack.resources["Probe"])


def test_a_line_in_the_embedded_metric_format_counts_under_each_set_of_dimensions(stack):
    directive = {"Namespace": "Test", "Dimensions": [["What"], []], "Metrics": [{"Name": "Found", "Unit": "Count"}]}
    line = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}, "What": "a", "Found": 3}
    stack.invoke({"print": json.dumps(line)})
    stack.invoke({"print": json.dumps(line | {"What": "b", "Found": [1, 1]})})
    stack.invoke({"print": 'a line that mentions "_aws"'})
    assert [total(stack, "Test", "Found", What=which) for which in "ab"] == [3, 2]
    alone = {"Namespace": "Test", "MetricName": "Found", "Statistic": "Sum", "Period": 3600}
    assert values_of(alone, passing.now() + 60) == [5]


def _directly(stack, event):
    stack.invoke(event)


def _later(stack, event):
    name = stack.resources["Probe"]
    stack.cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))


def _by_a_state_machine(stack, event):
    stack.start(stack.outputs["Flow"], event | {"seconds": 0})


def _by_the_api(stack, event):
    stack.request("/echo/x", "POST", b"raise" if "raise" in event else b"")


@pytest.mark.parametrize("how", [_directly, _later, _by_a_state_machine, _by_the_api])
def test_every_invocation_is_counted_with_its_error_and_its_time(stack, how):
    def counted():
        return of_probe(stack, "Invocations"), of_probe(stack, "Errors"), of_probe(stack, "Duration", "SampleCount")

    invocations, errors, durations = counted()
    how(stack, {})
    until(lambda: counted() == (invocations + 1, errors, durations + 1))
    how(stack, {"raise": "on demand"})
    until(lambda: counted()[1] > errors)


def test_a_duration_is_of_the_handler(stack, ahead):
    stack.invoke({})
    longest = of_probe(stack, "Duration", "Maximum")
    stack.invoke({"sleep": longest / 1000 + 0.2})
    assert of_probe(stack, "Duration", "Maximum") >= longest + 200


def test_what_is_refused_is_counted_as_throttled_whatever_version_is_asked_for(stack):
    client, name = stack.cloud.client("lambda"), stack.resources["Probe"]
    limit = client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"]
    version = client.publish_version(FunctionName=name)["Version"]
    before = of_probe(stack, "Throttles"), of_probe(stack, "Invocations")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        for qualifier in ("$LATEST", version):
            with pytest.raises(client.exceptions.TooManyRequestsException):
                client.invoke(FunctionName=name, Qualifier=qualifier)
    finally:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=limit)
        client.delete_function(FunctionName=name, Qualifier=version)
    assert (of_probe(stack, "Throttles"), of_probe(stack, "Invocations")) == (before[0] + 2, before[1])


def test_a_stream_says_how_old_the_records_of_a_batch_are(stack):
    outbox = {"FunctionName": stack.resources["Outbox"]}
    before = total(stack, "AWS/Lambda", "IteratorAge", "SampleCount", **outbox)
    stack.dynamodb.put_item(TableName=stack.outputs["Table"], Item={"id": {"S": "aged"}})
    until(lambda: total(stack, "AWS/Lambda", "IteratorAge", "SampleCount", **outbox) > before)
    assert 0 <= total(stack, "AWS/Lambda", "IteratorAge", "Maximum", **outbox) < 3_600_000


def test_answers_of_the_api_are_counted_by_their_kind(stack):
    name = next(
        each["name"]
        for each in stack.cloud.client("apigateway").get_rest_apis()["items"]
        if each["id"] == stack.outputs["ApiId"]
    )

    def counted():
        return [total(stack, "AWS/ApiGateway", kind, ApiName=name) for kind in ("Count", "4XXError", "5XXError")]

    before = counted()
    stack.request("/echo/x", "POST", b"")
    stack.request("/nowhere")
    stack.request("/echo/x", "POST", b"raise")
    assert [after - first for after, first in zip(counted(), before, strict=True)] == [3, 1, 1]


def test_each_end_of_an_execution_is_counted(stack):
    machine = stack.state_machine("counted", {"Fail": {"Type": "Fail", "Error": "X", "Cause": "as asked"}})
    stack.ended(stack.start(machine))
    assert total(stack, "AWS/States", "ExecutionsFailed", StateMachineArn=machine) == 1


def test_a_refused_request_is_counted_for_its_table(stack):
    table = {"TableName": stack.outputs["Table"]}
    before = total(stack, "AWS/DynamoDB", "WriteThrottleEvents", **table)
    with behaving(stack, throttled_requests=1.0, fault_run=1):
        stack.invoke({"put": "throttled once"})
    assert total(stack, "AWS/DynamoDB", "WriteThrottleEvents", **table) == before + 1


def test_a_queue_says_each_minute_how_many_messages_wait_and_how_old_the_oldest_is(stack, ahead):
    stack.cloud.client("cloudwatch").describe_alarms()
    stack.sqs.create_queue(QueueName="aging")
    url = stack.sqs.get_queue_url(QueueName="aging")["QueueUrl"]
    ahead(1000)  # before the message is there
    stack.sqs.send_message(QueueUrl=url, MessageBody="waits")
    stack.sqs.send_message(QueueUrl=url, MessageBody="hidden", DelaySeconds=900)
    ahead(300)
    stack.cloud.client("cloudwatch").describe_alarms()
    name = {"QueueName": "aging"}
    assert total(stack, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", **name) == 1
    assert 230 <= total(stack, "AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", **name) <= 330
    stack.sqs.delete_queue(QueueUrl=url)


def test_an_alarm_on_a_sum_goes_off_and_ends(stack, ahead):
    """By the cloud's clock: once its minute is over, and a quiet minute later it is off."""
    cloudwatch, name = stack.cloud.client("cloudwatch"), stack.resources["TooManyOfBoth"]

    def state():
        [alarm] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm["StateValue"]

    def next_minute():
        ahead(61 - passing.now() % 60)
        return state()

    stack.invoke({"raise": "on demand"})
    assert next_minute() == "ALARM"
    stack.invoke({})
    assert next_minute() == "OK"
    history = cloudwatch.describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
    assert any("to ALARM" in item["HistorySummary"] for item in history)
