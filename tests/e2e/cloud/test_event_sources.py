"""Streams and FIFO queues feeding a function."""

import json

from botocore.exceptions import ClientError

from tests.e2e.cloud.conftest import until


def put(stack, *names):
    for name in names:
        stack.dynamodb.put_item(TableName=stack.outputs["Table"], Item={"id": {"S": name}})


def in_one_batch(stack, *names):
    """Put while the shard is busy with another record, so that the next batch has all of them."""
    held_by = f"slow before {names[0]}"
    put(stack, held_by)
    until(_busy)
    put(stack, *names)
    assert held_by not in stack.seen("Outbox"), "its log is written when it ends"


def lost(stack):
    """The next message of the queue that gets what a stream gave up."""
    received = stack.sqs.receive_message(QueueUrl=stack.outputs["Lost"], MaxNumberOfMessages=1)
    for message in received.get("Messages", []):
        stack.sqs.delete_message(QueueUrl=stack.outputs["Lost"], ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])
    return None


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
    put(stack, "slow stream")
    until(_busy)
    stack.sqs.send_message(QueueUrl=stack.outputs["Told"], MessageBody="quick", MessageGroupId="q")
    until(lambda: "quick" in stack.seen("Notify"))
    assert "slow stream" not in stack.seen("Outbox"), "its log is written when it ends"
    until(lambda: "slow stream" in stack.seen("Outbox"))


def _busy():
    """A shard's batch is with the function; told by the cloud's own book-keeping, since a log comes only at the end."""
    from lab.aws.overlay.event_sources import _shards

    return any(shard.busy for shard in _shards.values())


def test_order_holds_within_a_group_and_groups_do_not_wait_for_each_other(stack):
    send = stack.sqs.send_message
    send(QueueUrl=stack.outputs["Told"], MessageBody="slow a1", MessageGroupId="a")
    send(QueueUrl=stack.outputs["Told"], MessageBody="a2", MessageGroupId="a")
    send(QueueUrl=stack.outputs["Told"], MessageBody="b1", MessageGroupId="b")
    until(lambda: "b1" in stack.seen("Notify"))
    assert "a2" not in stack.seen("Notify")
    until(lambda: "a2" in stack.seen("Notify"))
    order = [name for name in stack.seen("Notify") if name in {"slow a1", "a2", "b1"}]
    assert order.index("slow a1") < order.index("a2")


def test_a_failed_message_holds_up_its_group_until_it_is_visible_again_and_only_that(stack):
    queue, send = stack.outputs["Told"], stack.sqs.send_message
    stack.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "5"})
    try:
        send(QueueUrl=queue, MessageBody="poison c1", MessageGroupId="c")
        until(lambda: "poison c1" in stack.seen("Notify"))
        send(QueueUrl=queue, MessageBody="c2", MessageGroupId="c")
        send(QueueUrl=queue, MessageBody="d1", MessageGroupId="d")
        until(lambda: "d1" in stack.seen("Notify"))
        assert "c2" not in stack.seen("Notify")
        until(lambda: "c2" in stack.seen("Notify"))
        assert stack.seen("Notify").count("poison c1") == 3, "maxReceiveCount, then the dead-letter queue"
        dead = until(lambda: _dead(stack))
        assert dead == "poison c1"
    finally:
        stack.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "30"})


def _dead(stack):
    url = stack.sqs.get_queue_url(QueueName=stack.resources["LostTold"].rsplit("/", 1)[-1])["QueueUrl"]
    messages = stack.sqs.receive_message(QueueUrl=url).get("Messages", [])
    return messages[0]["Body"] if messages else None


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
