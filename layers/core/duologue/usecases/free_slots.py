"""Free the slots that no open call holds.

A slot is a lease on the call that holds it. It ends with the call, in the transaction that closes it; and every call
ends, since the sweeper closes those whose time is over. What is left are slots whose call was closed or deleted by
something else than the platform: these are found here.
"""

import logging

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.calls import OpenCalls

_log = logging.getLogger(__name__)


def free_slots(*, calls: OpenCalls) -> int:
    """How many were freed. A slot that cannot be freed now is left for the next time.

    The list of open calls may be a moment late, so each call that is not on it is looked at before its slot is freed.
    """
    held, listed = calls.held_slots(), calls.open_calls()
    freed = 0
    for app_key, call_ids in held.items():
        for call_id in sorted(call_ids - listed):
            try:
                done = calls.free_slot(app_key, call_id)
            except OutsideUnavailable:
                _log.warning("a slot is left for the next sweep", extra={"call_id": call_id}, exc_info=True)
                continue
            if done:
                _log.warning("a slot was held by no open call", extra={"call_id": call_id, "app": app_key})
            freed += done
    return freed
