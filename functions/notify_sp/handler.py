"""Deliver one notification to one SP: first attempts from a FIFO queue, retries from a standard one."""

import logging
from typing import Any

from duologue.adapters.sqs_notices import read
from duologue.domain.errors import OutsideUnavailable
from duologue.runtime.logging import set_up
from duologue.runtime.sqs_batch import Context, work_through
from duologue.runtime.wiring.notify_sp import Dependencies, dependencies
from duologue.usecases.notify_sp import notify_sp

_log = logging.getLogger(__name__)
_TIME_FOR_ONE_MS = 12_000
"""Looking up a name, the whole exchange, and our own reads and writes."""


def answer(event: dict[str, Any], context: Context, dependencies: Dependencies) -> dict[str, Any]:
    def notify(body: str) -> bool:
        return _notify(body, dependencies)

    return work_through(event, context, notify, time_for_one_ms=_TIME_FOR_ONE_MS, function="notify_sp")


def _notify(body: str, dependencies: Dependencies) -> bool:
    notice = read(body)
    extra = {"call_id": notice.call_id, "sequence": notice.sequence, "attempt": notice.attempt}
    try:
        result = notify_sp(
            notice,
            log=dependencies.log,
            webhooks=dependencies.webhooks,
            endpoints=dependencies.endpoints,
            notices=dependencies.notices,
            clock=dependencies.clock,
            chance=dependencies.chance,
        )
    except OutsideUnavailable:
        _log.warning("the notice comes again", extra=extra, exc_info=True)
        return False
    _log.info("notice: %s", result.value, extra=extra)
    return True


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    set_up()
    return answer(event, context, dependencies())
