"""Deliver one notification to one SP: first attempts from a FIFO queue, retries from a standard one."""

import logging
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from duologue.adapters.basics.metrics import count
from duologue.adapters.notifying.sqs_notices import read
from duologue.domain.errors import OutsideUnavailable, RaceLost
from duologue.runtime.given_back import given_back
from duologue.runtime.last_resort import report_unexpected
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.notify_sp import Dependencies, dependencies
from duologue.usecases.notifying.notify_sp import NotifyResult, NotifySp

_log = logging.getLogger(__name__)


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    """Process a batch; failed messages come again in seconds, together with the later messages of their group."""

    def notify(record: SQSRecord) -> None:
        with given_back(record, dependencies.give_back):
            _notify(record.body, dependencies.notify_sp)

    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    processor.raise_on_entire_batch_failure = False  # it would count as a failure of the function, not of its messages
    return dict(process_partial_response(event, notify, processor))


def _notify(body: str, notify_sp: NotifySp) -> None:
    """Any exception returns the message to the queue."""
    extra: dict[str, Any] = {}
    try:
        notice = read(body)
        extra = {"call_id": notice.call_id, "sequence": notice.sequence, "version": notice.version}
        result = notify_sp(notice)
    except (OutsideUnavailable, RaceLost):
        _log.warning("notification not attempted; the message is retried", extra=extra, exc_info=True)
        raise
    except Exception:  # it is raised again, and reported first, since the batch processor only counts it
        report_unexpected("notify_sp", **extra)
        raise
    _log.info("notification: %s", result.value, extra=extra)
    if result is NotifyResult.UNDELIVERED:
        count("NotificationsUndelivered")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up(context)
    return answer(event, dependencies())
