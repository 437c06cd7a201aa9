"""Streams and FIFO queues feeding a function."""

import json
from functools import partial

from botocore.exceptions import ClientError

from tests.e2e.cloud.conftest import VISIBILITY_S
from tests.e2e.waiting import until


def put(stack, *names):
    for name in names:
        stack.dynamodb.put_item(TableName=stack.outputs["Table"], Item={"id": {"S": name}})


def in_one_batch(stack, *names):
    """Put while the shard is busy with another record, so that the next batch has all of them."""
    gate = stack.gate(f"before {names[0]}")
    put(stack, f"held {gate}")
    stack.reached(gate)
    put(stack, *names)
    stack.open(gate)


def has_seen(stack, message, times):
    return stack.seen("Notify").count(message) == times


def lost(stack):
    """The next message of the queue that gets what a stream gave up."""
    body = stack.taken(stack.outputs["Lost"])
    return body and json.loads(body)


def test_a_poison_record_is_tried_as_often_as_said_then_given_up_and_the_next_one_comes(stack):
    put(stack, "before", "poison", "after")
    given_up = until(lambda: lost(stack))
    assert given_up["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert given_up["DDBStreamBatchInfo"]["batchSize"] == 1
    until(lambda: "after" in stack.seen("Outbox"))
    assert [name for name in stack.seen("Outbox") if name == "poison"].count("poison") >= 3
    assert stack.seen("Outbox").count("after") == 1


def test_a_reported_record_is_tried_again_without_those_before_it(stack):
    in_one_batch(stack, "good", "bad record", "later")
    until(lambda: lost(stack))
    until(lambda: "later" in stack.seen("Outbox"))
    seen = stack.seen("Outbox")
    assert seen.count("good") == 1
    assert seen.count("bad record") == 4, (
        "once, and MaximumRetryAttempts: 2; the split from those after it is no attempt"
    )
    assert seen.count("later") == 1


def test_a_batch_whose_first_record_is_reported_is_split_and_that_is_no_attempt(stack):
    in_one_batch(stack, "bad first", "after it")
    until(lambda: lost(stack))
    until(lambda: "after it" in stack.seen("Outbox"))
    seen = stack.seen("Outbox")
    assert seen.count("bad first") == 4, "in the batch, then once and MaximumRetryAttempts: 2 by itself"
    assert seen.count("after it") == 1


def test_a_slow_stream_batch_does_not_hold_up_a_queue(stack):
    gate = stack.gate("slow stream")
    put(stack, f"held {gate}")
    stack.reached(gate)
    stack.sqs.send_message(QueueUrl=stack.outputs["Told"], MessageBody="quick", MessageGroupId="q")
    until(lambda: "quick" in stack.seen("Notify"))
    stack.open(gate)
    until(lambda: f"held {gate}" in stack.seen("Outbox"))


def test_order_holds_within_a_group_and_groups_do_not_wait_for_each_other(stack):
    send, gate = stack.sqs.send_message, stack.gate("a1")
    send(QueueUrl=stack.outputs["Told"], MessageBody=f"held {gate}", MessageGroupId="a")
    send(QueueUrl=stack.outputs["Told"], MessageBody="a2", MessageGroupId="a")
    send(QueueUrl=stack.outputs["Told"], MessageBody="b1", MessageGroupId="b")
    until(lambda: "b1" in stack.seen("Notify"))
    assert "a2" not in stack.seen("Notify")
    stack.open(gate)
    until(lambda: "a2" in stack.seen("Notify"))
    assert [name for name in stack.seen("Notify") if name in {f"held {gate}", "a2"}] == [f"held {gate}", "a2"]


def test_a_failed_message_holds_up_its_group_until_it_is_visible_again_and_only_that(stack, ahead):
    queue, send = stack.outputs["Told"], stack.sqs.send_message
    send(QueueUrl=queue, MessageBody="poison c1", MessageGroupId="c")
    for times in range(1, 4):
        until(partial(has_seen, stack, "poison c1", times))
        send(QueueUrl=queue, MessageBody=f"c2, sent after {times}", MessageGroupId="c")
        send(QueueUrl=queue, MessageBody=f"d{times}", MessageGroupId="d")
        until(partial(has_seen, stack, f"d{times}", 1))
        assert [name for name in stack.seen("Notify") if name.startswith("c2")] == []
        ahead(VISIBILITY_S)
    until(lambda: "c2, sent after 3" in stack.seen("Notify"))
    assert stack.seen("Notify").count("poison c1") == 3, "maxReceiveCount, then the dead-letter queue"
    assert until(lambda: stack.taken(stack.outputs["LostTold"])) == "poison c1"


def test_the_same_message_twice_is_one(stack):
    send = stack.sqs.send_message
    for _ in range(2):
        send(QueueUrl=stack.outputs["Told"], MessageBody="once", MessageGroupId="e")
    send(QueueUrl=stack.outputs["Told"], MessageBody="last of e", MessageGroupId="e")
    until(lambda: "last of e" in stack.seen("Notify"))
    assert stack.seen("Notify").count("once") == 1


def test_a_queue_must_hide_a_message_for_as_long_as_its_function_may_run(stack):
    """AWS refuses the mapping: the message would be given out again while it is worked on."""
    queue = stack.sqs.create_queue(QueueName="impatient", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    arn = stack.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    try:
        stack.cloud.client("lambda").create_event_source_mapping(
            FunctionName=stack.resources["Notify"], EventSourceArn=arn
        )
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "InvalidParameterValueException"
        assert "visibility timeout" in refused.response["Error"]["Message"].lower()
    else:
        raise AssertionError("the mapping was accepted")
