"""Deliver one notification to one SP: first attempts from a FIFO queue, retries from a standard one."""

import logging
from typing import Any, Protocol

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from duologue.adapters.sqs_notices import read
from duologue.domain.errors import OutsideUnavailable
from duologue.runtime.last_resort import report_unexpected
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.notify_sp import dependencies
from duologue.usecases.notify_sp import NotifySp

_log = logging.getLogger(__name__)
_TIME_FOR_ONE_MS = 12_000
"""DNS look-up, HTTP request, and our own reads and writes."""


class Context(Protocol):
    """The part of Lambda's context that is used."""

    def get_remaining_time_in_millis(self) -> int: ...


class NotInTime(Exception):
    """Not enough time left for a message: it is retried."""


def answer(event: dict[str, Any], context: Context, notify_sp: NotifySp) -> dict[str, Any]:
    """Process a batch; failed messages are returned, together with the later messages of their group."""

    def notify(record: SQSRecord) -> None:
        if context.get_remaining_time_in_millis() < _TIME_FOR_ONE_MS:
            raise NotInTime
        _notify(record.body, notify_sp)

    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    processor.raise_on_entire_batch_failure = False  # it would count as a failure of the function, not of its messages
    return dict(process_partial_response(event, notify, processor))


def _notify(body: str, notify_sp: NotifySp) -> None:
    """Any exception returns the message to the queue."""
    extra: dict[str, Any] = {}
    try:
        notice = read(body)
        extra = {"call_id": notice.call_id, "sequence": notice.sequence, "attempt": notice.attempt}
        result = notify_sp(notice)
    except OutsideUnavailable:
        _log.warning("notification not attempted; the message is retried", extra=extra, exc_info=True)
        raise
    except Exception:
        report_unexpected("notify_sp", **extra)
        raise
    _log.info("notification: %s", result.value, extra=extra)


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    set_up(context)
    return answer(event, context, dependencies())
