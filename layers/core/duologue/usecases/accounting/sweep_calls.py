"""Finalize overdue calls: open calls whose end the network should have reported by now."""

import logging
from dataclasses import dataclass
from datetime import datetime

from duologue.domain.calls.call import Call
from duologue.domain.errors import LegStillUp, OutsideUnavailable, UnknownCall
from duologue.usecases.accounting.finalize_call import FinalizeCall
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.ports.calls import OpenCalls
from duologue.usecases.ports.outside import Clock
from duologue.usecases.working_through import WorkThrough, in_turn, until

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """`remaining`: calls left for the next sweep: still up, unavailable, or not reached in time.

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
    work_through: WorkThrough = in_turn

    def __call__(self, most: int = 20_000, end: datetime | None = None) -> Swept:
        """Look at up to `most` overdue calls until `end`, oldest first.

        A call that cannot be finalized does not block others.
        """
        overdue = self.calls.overdue(self.clock.now(), most)
        finalized: list[Call] = []
        done: list[str] = []

        def look_at(call_id: str) -> None:
            with self.isolate(call_id):
                try:
                    call = self.finalize.if_due(call_id)
                except (LegStillUp, OutsideUnavailable, UnknownCall):
                    _log.warning("not finalized; retrying in the next sweep", extra={"call_id": call_id}, exc_info=True)
                    return
                finalized.extend([] if call is None else [call])
                done.append(call_id)

        self.work_through(overdue, look_at, until(end, self.clock))
        return Swept(len(finalized), len(overdue) - len(done), sum(call.has_no_events for call in finalized))
