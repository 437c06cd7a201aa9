"""End what the network forgot: finalize every open call that is older than a call can get."""

import logging
from dataclasses import dataclass

from duologue.domain.call import Call
from duologue.domain.errors import LegStillUp, OutsideUnavailable, UnknownCall
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.finalize_call import FinalizeCall
from duologue.usecases.ports.calls import OpenCalls
from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many calls were closed, and how many were found still up or out of reach and are left for the next sweep.

    `unheard`: of the closed ones, those of which the network never said a word.
    """

    closed: int = 0
    left: int = 0
    unheard: int = 0


def sweep_calls(
    *, calls: OpenCalls, finalize: FinalizeCall, clock: Clock, isolate: FailureIsolation, most: int = 2000
) -> Swept:
    """Look at `most` overdue calls at most, the oldest first. One that cannot be closed does not hold up the others."""
    left = 0
    closed: list[Call] = []
    for call_id in calls.overdue(clock.now(), most):
        left += 1
        with isolate(call_id):
            try:
                done = finalize.if_due(call_id)
                closed += [done] if done is not None else []
                left -= 1
            except (LegStillUp, OutsideUnavailable, UnknownCall):
                _log.warning("left for the next sweep", extra={"call_id": call_id}, exc_info=True)
    return Swept(len(closed), left, sum(call.is_unheard for call in closed))
