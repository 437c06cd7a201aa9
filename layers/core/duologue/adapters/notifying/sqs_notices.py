"""The queues of notifications in AWS SQS.

First attempts go through a FIFO queue, one group per call, so that they stay in order, also those that were put off;
retries through a standard one.
SQS delays a message by at most 15 minutes.
"""

import json
import math
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from duologue.adapters.basics.aws import outside
from duologue.adapters.rows.rows_before import fact_key
from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.notifying import NO_WAIT, UNKNOWN_APP, Notice

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_WHAT = "notification queue"
_MOST_IN_A_BATCH = 10


class SqsNotices:
    """Implements `usecases.ports.notifying.Notices`."""

    def __init__(self, client: "SQSClient", first: str = "", retry: str = "") -> None:
        """The queues' URLs; empty: not used by this process."""
        self._client = client
        self._first = first
        self._retry = retry

    def queue(self, notices: Iterable[Notice]) -> None:
        waiting = iter(notices)
        while batch := list(islice(waiting, _MOST_IN_A_BATCH)):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {
                    "Id": str(place),
                    "MessageBody": written(notice),
                    "MessageGroupId": notice.call_id,
                    "MessageDeduplicationId": f"{notice.call_id}-{notice.sequence}-{notice.version}",
                }
                for place, notice in enumerate(batch)
            ]
            self._send(self._first, entries)

    def queue_again(self, notices: Iterable[Notice], wait: timedelta = NO_WAIT) -> None:
        delay, waiting = math.ceil(wait.total_seconds()), iter(notices)
        while batch := list(islice(waiting, _MOST_IN_A_BATCH)):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(place), "MessageBody": written(notice), "DelaySeconds": delay}
                for place, notice in enumerate(batch)
            ]
            self._send(self._retry, entries)

    def _send(self, queue: str, entries: "list[SendMessageBatchRequestEntryTypeDef]") -> None:
        with outside(_WHAT):
            sent = self._client.send_message_batch(QueueUrl=queue, Entries=entries)
        if sent.get("Failed"):  # sending all again is harmless: a notice that is received twice is attempted once
            raise OutsideUnavailable(f"{_WHAT}: {sent['Failed'][0]['Code']}")


def written(notice: Notice) -> str:
    """The message body of a notice.

    Release 0.1.0 knows it as `call_id`: during an update its function refuses these messages, and they come again.
    """
    body = {
        "call": notice.call_id,
        "sequence": notice.sequence,
        "source": notice.source,
        "app": notice.app,
        "version": notice.version,
    }
    return json.dumps(body)


def read(body: str) -> Notice:
    """The notice of a message body. Raises ValueError, KeyError or TypeError: malformed."""
    sent = json.loads(body)
    call_id, sequence = str(sent["call"] if "call" in sent else sent["call_id"]), int(sent["sequence"])
    version = int(sent["version"]) if "version" in sent else int(sent.get("attempt", 1)) - 1
    source, app = sent.get("source", fact_key(sequence)), sent.get("app", UNKNOWN_APP)  # absent: of release 0.1.0
    return Notice(call_id, sequence, str(source), str(app), version)
