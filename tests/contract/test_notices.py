"""The notification queues keep their promises in moto's SQS and in the local cloud's."""

from datetime import timedelta
from itertools import count

import pytest
from botocore.stub import Stubber

from duologue.adapters.basics.sqs_messages import SqsMessages
from duologue.adapters.notifying.sqs_notices import SqsNotices, read, written
from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.notifying import Notice

_names = count()


def new_queue(sqs, *, fifo: bool = False) -> str:
    name = f"notices-{next(_names)}" + (".fifo" if fifo else "")
    return sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})["QueueUrl"]


class Queues:
    def __init__(self, sqs) -> None:
        self.sqs = sqs
        self.first, self.retry = new_queue(sqs, fifo=True), new_queue(sqs)
        self.notices = SqsNotices(sqs, self.first, self.retry)

    def take(self, url: str) -> list[dict]:
        """Every message that can be had now, taken off the queue."""
        taken: list[dict] = []
        while messages := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], WaitTimeSeconds=0
        ).get("Messages"):
            for message in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            taken += messages
        return taken


@pytest.fixture
def queues(aws):
    return Queues(aws("sqs"))


def test_first_attempts_stay_in_order_within_their_call(queues):
    sent = [Notice(call, sequence, "EVENT#x", "app-1") for sequence in range(1, 9) for call in ("call-1", "call-2")]
    queues.notices.queue(sent)
    taken = queues.take(queues.first)
    assert sorted((read(message["Body"]) for message in taken), key=lambda n: (n.sequence, n.call_id)) == sent
    for call in ("call-1", "call-2"):
        own = [message for message in taken if message["Attributes"]["MessageGroupId"] == call]
        assert [read(message["Body"]).sequence for message in own] == list(range(1, 9))


def test_the_same_notices_twice_are_queued_once(queues):
    for _ in range(2):
        queues.notices.queue([Notice("call-1", 1, "EVENT#x", "app-1"), Notice("call-1", 2, "EVENT#x", "app-1")])
    assert [read(message["Body"]).sequence for message in queues.take(queues.first)] == [1, 2]
    queues.notices.queue([Notice("call-1", 1, "EVENT#x", "app-1", version=1)])  # put off, and due soon after
    assert [read(message["Body"]).version for message in queues.take(queues.first)] == [1]


def test_nothing_to_queue(queues):
    queues.notices.queue([])
    assert queues.take(queues.first) == []


def test_retries_come_out_at_once_as_they_were_put_in(queues):
    notices = [Notice("call-1", number, "EVENT#x", "app-1", version=4) for number in range(1, 13)]
    queues.notices.queue_again(notices)
    assert sorted((read(message["Body"]) for message in queues.take(queues.retry)), key=lambda n: n.sequence) == notices


def test_a_retry_that_is_not_due_is_kept_back(queues):
    queues.notices.queue_again([Notice("call-1", 3, "EVENT#x", "app-1")], timedelta(seconds=30))
    assert queues.take(queues.retry) == []


@pytest.mark.parametrize(("wait", "delay"), [(0, 0), (0.1, 1), (10, 10), (900, 900)])
def test_a_delay_is_never_too_short(aws, wait, delay):
    client = aws("sqs")
    notice = Notice("call-1", 3, "EVENT#x", "app-1")
    with Stubber(client) as stubbed:
        entry = {"Id": "0", "MessageBody": written(notice), "DelaySeconds": delay}
        stubbed.add_response(
            "send_message_batch", {"Successful": [], "Failed": []}, {"QueueUrl": "r", "Entries": [entry]}
        )
        SqsNotices(client, retry="r").queue_again([notice], timedelta(seconds=wait))


@pytest.mark.parametrize("queue", ["first", "retry"])
def test_a_message_that_was_given_back_is_hidden_for_seconds(queues, queue):
    """A queue's visibility time-out is six times the function's, so minutes: the call's later messages wait with it."""
    url = getattr(queues, queue)
    queues.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "3600"})
    notice = Notice("call-1", 3, "EVENT#x", "app-1")
    queues.notices.queue([notice]) if queue == "first" else queues.notices.queue_again([notice])
    arn = queues.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    [message] = queues.sqs.receive_message(QueueUrl=url)["Messages"]
    SqsMessages(queues.sqs, (queues.first, queues.retry)).give_back(arn, message["ReceiptHandle"], received=0)
    again = queues.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert [read(each["Body"]) for each in again] == [notice]


@pytest.mark.parametrize(("received", "seconds"), [(1, 2), (2, 4), (8, 256), (9, 300), (40, 300)])
def test_a_message_that_fails_often_is_hidden_for_longer(aws, received, seconds):
    client = aws("sqs")
    with Stubber(client) as stubbed:
        stubbed.add_response(
            "change_message_visibility",
            {},
            {"QueueUrl": "http://127.0.0.1/1/retry", "ReceiptHandle": "r", "VisibilityTimeout": seconds},
        )
        messages = SqsMessages(client, ("http://127.0.0.1/1/first.fifo", "http://127.0.0.1/1/retry"))
        messages.give_back("arn:aws:sqs:us-east-1:1:retry", "r", received)


def test_a_batch_that_was_queued_in_part_is_unavailable(aws):
    client = aws("sqs")
    with Stubber(client) as stubbed:
        failed = {"Id": "0", "SenderFault": False, "Code": "InternalError"}
        stubbed.add_response("send_message_batch", {"Successful": [], "Failed": [failed]})
        with pytest.raises(OutsideUnavailable, match="InternalError"):
            SqsNotices(client, first="first.fifo").queue([Notice("call-1", 1, "EVENT#x", "app-1")])


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"call": "c"}', '{"call": "c", "sequence": "x"}'])
def test_a_body_that_is_no_notice(body):
    with pytest.raises((ValueError, KeyError, TypeError)):
        read(body)
