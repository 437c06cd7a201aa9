"""Deliver one notification to one SP: first attempts from a FIFO queue, retries from a standard one."""

import logging
from typing import Any

from duologue.adapters.sqs_notices import read
from duologue.domain.errors import OutsideUnavailable
from duologue.runtime.logging import set_up
from duologue.runtime.sqs_batch import Context, work_through
from duologue.runtime.wiring.notify_sp import Parts, parts
from duologue.usecases.tell_sp import tell_sp

_log = logging.getLogger(__name__)
_TIME_FOR_ONE_MS = 12_000
"""Looking up a name, the whole exchange, and our own reads and writes."""


def answer(event: dict[str, Any], context: Context, parts: Parts) -> dict[str, Any]:
    def tell(body: str) -> bool:
        return _tell(body, parts)

    return work_through(event, context, tell, time_for_one_ms=_TIME_FOR_ONE_MS, function="notify_sp")


def _tell(body: str, parts: Parts) -> bool:
    notice = read(body)
    extra = {"call_id": notice.call_id, "sequence": notice.sequence, "attempt": notice.attempt}
    try:
        told = tell_sp(
            notice,
            calls=parts.calls,
            apps=parts.apps,
            correspondence=parts.correspondence,
            endpoints=parts.endpoints,
            notices=parts.notices,
            clock=parts.clock,
            chance=parts.chance,
        )
    except OutsideUnavailable:
        _log.warning("the notice comes again", extra=extra, exc_info=True)
        return False
    _log.info("notice: %s", told.value, extra=extra)
    return True


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    set_up()
    return answer(event, context, parts())
