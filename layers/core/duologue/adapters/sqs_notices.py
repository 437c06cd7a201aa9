"""The queues of notifications in AWS SQS.

First attempts go through a FIFO queue, one group per call, so that they stay in order. Retries and undelivered
notifications go through standard queues. SQS delays a message by at most 15 minutes: a retry that is received before it
is due is queued again.
"""

import json
import math
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from duologue.adapters.aws import outside
from duologue.adapters.rows_before import fact_key
from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.notifying import UNKNOWN_APP, Notice

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_WHAT = "notification queue"
_LONGEST_DELAY = 900
_MOST_IN_A_BATCH = 10


class SqsNotices:
    """Implements `usecases.ports.notifying.Notices`."""

    def __init__(self, client: "SQSClient", first: str = "", retry: str = "", undelivered: str = "") -> None:
        """The queues' URLs; empty: not used by this process."""
        self._client = client
        self._first = first
        self._retry = retry
        self._undelivered = undelivered

    def queue(self, notices: Iterable[Notice]) -> None:
        waiting = iter(notices)
        while batch := list(islice(waiting, _MOST_IN_A_BATCH)):
            with outside(_WHAT):
                sent = self._client.send_message_batch(
                    QueueUrl=self._first,
                    Entries=[
                        {
                            "Id": str(place),
                            "MessageBody": written(notice),
                            "MessageGroupId": notice.call_id,
                            "MessageDeduplicationId": f"{notice.call_id}-{notice.sequence}",
                        }
                        for place, notice in enumerate(batch)
                    ],
                )
            if sent.get("Failed"):  # sending all again is harmless: the queue deduplicates
                raise OutsideUnavailable(f"{_WHAT}: {sent['Failed'][0]['Code']}")

    def queue_again(self, notice: Notice, now: datetime) -> None:
        wait = 0.0 if notice.due is None else (notice.due - now).total_seconds()
        delay = min(max(math.ceil(wait), 0), _LONGEST_DELAY)
        with outside(_WHAT):
            self._client.send_message(QueueUrl=self._retry, MessageBody=written(notice), DelaySeconds=delay)

    def keep_undelivered(self, notice: Notice, why: str) -> None:
        with outside(_WHAT):
            self._client.send_message(QueueUrl=self._undelivered, MessageBody=written(notice, why=why))


def written(notice: Notice, **more: str) -> str:
    """The message body of a notice.

    Release 0.1.0 knows it as `call_id`: during an update its function refuses these messages, and they come again.
    """
    body = {
        "call": notice.call_id,
        "sequence": notice.sequence,
        "source": notice.source,
        "app": notice.app,
        "attempt": notice.attempt,
        **more,
    }
    if notice.due is not None:
        body["due"] = notice.due.isoformat()
    return json.dumps(body)


def read(body: str) -> Notice:
    """The notice of a message body. Raises ValueError, KeyError or TypeError: malformed."""
    sent = json.loads(body)
    call_id, sequence = str(sent["call"] if "call" in sent else sent["call_id"]), int(sent["sequence"])
    due = datetime.fromisoformat(sent["due"]) if "due" in sent else None
    source, app = sent.get("source", fact_key(sequence)), sent.get("app", UNKNOWN_APP)  # absent: of release 0.1.0
    return Notice(call_id, sequence, str(source), str(app), int(sent.get("attempt", 1)), due)
