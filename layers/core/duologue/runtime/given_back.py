"""A message whose processing fails comes again in seconds."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

_log = logging.getLogger(__name__)

GiveBack = Callable[[str, str, int], None]
"""Of a message: the queue's ARN, the receipt handle, and how often it was received."""


@contextmanager
def given_back(record: SQSRecord, give_back: GiveBack) -> Iterator[None]:
    """Give the message back if the block fails. Its exception is raised again."""
    try:
        yield
    except Exception:  # it is raised again; whatever failed, the message must not stay hidden for minutes
        received = int(record.attributes.approximate_receive_count)
        try:
            give_back(record.event_source_arn, record.receipt_handle, received)
        except Exception:  # noqa: BLE001 - it would hide what failed before; the message comes again after the time-out
            _log.warning("the message stays hidden for its queue's visibility time-out", exc_info=True)
        raise
