"""The notification queues keep their promises in moto's SQS and in the local cloud's."""

import json
from datetime import timedelta
from itertools import count

import pytest
from botocore.stub import Stubber

from duologue.adapters.sqs_notices import SqsNotices, read, written
from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.notifying import Notice
from tests.samples import NOW, at

_names = count()


def new_queue(sqs, *, fifo: bool = False) -> str:
    name = f"notices-{next(_names)}" + (".fifo" if fifo else "")
    return sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})["QueueUrl"]


class Queues:
    def __init__(self, sqs) -> None:
        self.sqs = sqs
        self.first, self.retry, self.undelivered = new_queue(sqs, fifo=True), new_queue(sqs), new_queue(sqs)
        self.notices = SqsNotices(sqs, self.first, self.retry, self.undelivered)

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


def test_nothing_to_queue(queues):
    queues.notices.queue([])
    assert queues.take(queues.first) == []


def test_a_retry_that_is_due_comes_out_at_once_as_it_was_put_in(queues):
    notice = Notice("call-1", 3, "EVENT#x", "app-1", attempt=4, due=NOW)
    queues.notices.queue_again(notice, at(0.5))
    (message,) = queues.take(queues.retry)
    assert read(message["Body"]) == notice


def test_a_retry_that_is_not_due_is_kept_back(queues):
    queues.notices.queue_again(Notice("call-1", 3, "EVENT#x", "app-1", due=NOW + timedelta(seconds=30)), NOW)
    assert queues.take(queues.retry) == []


def test_what_was_never_acknowledged_is_kept_with_why(queues):
    notice = Notice("call-1", 3, "EVENT#x", "app-1", attempt=10, due=NOW)
    queues.notices.keep_undelivered(notice, "too slow")
    (message,) = queues.take(queues.undelivered)
    assert read(message["Body"]) == notice
    assert json.loads(message["Body"])["why"] == "too slow"


@pytest.mark.parametrize(
    ("due", "delay"),
    [(None, 0), (at(-5), 0), (at(0.1), 1), (at(10), 10), (at(900), 900), (at(901), 900), (at(12 * 3600), 900)],
)
def test_a_delay_is_never_too_short_and_never_longer_than_sqs_takes(aws, due, delay):
    client = aws("sqs")
    notice = Notice("call-1", 3, "EVENT#x", "app-1", due=due)
    with Stubber(client) as stubbed:
        request = {"QueueUrl": "retry", "MessageBody": written(notice), "DelaySeconds": delay}
        stubbed.add_response("send_message", {"MessageId": "m"}, request)
        SqsNotices(client, retry="retry").queue_again(notice, NOW)


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
