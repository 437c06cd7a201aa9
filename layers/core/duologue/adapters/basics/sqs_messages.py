"""Messages of AWS SQS that a function could not process."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from duologue.adapters.basics.aws import outside

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LONGEST_HIDDEN = 300


class SqsMessages:
    def __init__(self, client: "SQSClient", queues: Collection[str]) -> None:
        """`queues`: their URLs."""
        self._client = client
        self._queues = queues

    def give_back(self, queue_arn: str, receipt: str, received: int) -> None:
        """Let a message that failed come again in seconds, rather than after the queue's visibility time-out.

        `received`: how often it was; with each time the wait doubles, from 2 s up to 5 minutes.
        """
        name = queue_arn.rpartition(":")[2]
        url = next(url for url in self._queues if url.endswith(f"/{name}"))
        hidden = min(2**received, _LONGEST_HIDDEN)
        with outside("queue"):
            self._client.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=hidden)
