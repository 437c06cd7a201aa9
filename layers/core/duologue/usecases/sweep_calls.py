"""Finalize overdue calls: open calls whose end the network should have reported by now."""

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
    """`remaining`: calls still up or unavailable, left for the next sweep.

    `without_events`: of the finalized calls, those for which the network sent no event.
    """

    finalized: int = 0
    remaining: int = 0
    without_events: int = 0


@dataclass(frozen=True, slots=True)
class SweepCalls:
    calls: OpenCalls
    finalize: FinalizeCall
    clock: Clock
    isolate: FailureIsolation

    def __call__(self, most: int = 2000) -> Swept:
        """Look at up to `most` overdue calls, oldest first. A call that cannot be finalized does not block others."""
        remaining = 0
        finalized: list[Call] = []
        for call_id in self.calls.overdue(self.clock.now(), most):
            remaining += 1
            with self.isolate(call_id):
                try:
                    done = self.finalize.if_due(call_id)
                    finalized += [done] if done is not None else []
                    remaining -= 1
                except (LegStillUp, OutsideUnavailable, UnknownCall):
                    _log.warning("not finalized; retrying in the next sweep", extra={"call_id": call_id}, exc_info=True)
        return Swept(len(finalized), remaining, sum(call.has_no_events for call in finalized))
