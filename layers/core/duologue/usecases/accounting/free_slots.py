"""Free the slots that no open call holds.

A slot belongs to its call: the transaction that finalizes the call frees it, and the sweeper finalizes every overdue
call. So leaked slots are only those whose call was changed or deleted by something other than the platform.
"""

import logging

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.calls import OpenCalls

_log = logging.getLogger(__name__)


def free_slots(*, calls: OpenCalls) -> int:
    """Returns how many were freed. A slot that cannot be freed now is left for the next sweep.

    The index of open calls lags slightly, so each missing call is checked before its slot is freed.
    """
    held, listed = list(calls.held_slots()), calls.open_calls()
    freed = 0
    for slot in held:
        if slot.call_id in listed:
            continue
        try:
            done = calls.free_slot(slot)
        except OutsideUnavailable:
            _log.warning("slot not freed; retrying in the next sweep", extra={"call_id": slot.call_id}, exc_info=True)
            continue
        if done:
            _log.warning("freed a leaked slot", extra={"call_id": slot.call_id, "app": slot.app})
        freed += done
    return freed
