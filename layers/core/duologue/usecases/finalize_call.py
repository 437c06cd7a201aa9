"""Finalize a call that the network never ended for us: the safety net under the last hang-up (R10)."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from duologue.call_control.events import EndNotHeard, GaveUp, NeverTakenUp
from duologue.call_control.machine import decide
from duologue.domain.call import Call, Phase
from duologue.domain.due import due_by
from duologue.domain.errors import AlreadyDone, LegStillUp, OutsideUnavailable
from duologue.usecases.ports.calls import Calls, Change, SavedCall
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.network import Network
from duologue.usecases.ports.outside import Clock
from duologue.usecases.process_network_event import change_of
from duologue.usecases.resume_flow import resume_flow_now
from duologue.usecases.until_written import Pause, until_written

_log = logging.getLogger(__name__)
GRACE = timedelta(minutes=30)
"""How long a call that the network still knows is asked to end before it is closed all the same."""


@dataclass(frozen=True, slots=True)
class FinalizeCall:
    calls: Calls
    network: Network
    flows: Flows
    clock: Clock
    pause: Pause

    def __call__(self, call_id: str) -> Call | None:
        """Close a call if no leg of it can be up. The call as this closed it; None if it was closed before.

        Raises:
            LegStillUp: the network still knows the call; it was asked to end, and its hang-ups will finalize it.
            OutsideUnavailable: storage is out of reach, or the network cannot be asked.
            UnknownCall: there is no such call.
        """
        return until_written(lambda: self._finalize(call_id, final=False), self.pause, f"call {call_id}")

    def if_due(self, call_id: str) -> Call | None:
        """The same, for the sweeper: a call that is not due yet is looked at again when it is.

        A call that has been due for GRACE is closed whatever the network says, or if it says nothing.
        """

        def sweep() -> Call | None:
            saved = self.calls.load(call_id)
            due, now = due_by(saved.call), self.clock.now()
            if saved.call.phase is not Phase.OVER and due > now:
                self.calls.save(Change(saved, saved.call, postpones=True))
                return None
            return self._finalize(call_id, final=due + GRACE <= now)

        return until_written(sweep, self.pause, f"call {call_id}")

    def _finalize(self, call_id: str, *, final: bool) -> Call | None:
        saved = self.calls.load(call_id)
        if saved.call.phase is Phase.OVER:
            return None
        if saved.call.network_call is not None:
            saved = self._ended(saved, final=final)
        never = saved.call.taken_up_at is None and saved.call.network_call is None
        event = NeverTakenUp if never else EndNotHeard
        change = change_of(saved, decide(saved.call, event(self.clock.now())))
        try:
            self.calls.save(change)
        except AlreadyDone:
            return None
        resume_flow_now(call_id, change.resumes, calls=self.calls, flows=self.flows, seen=saved.task_token)
        return change.after

    def _ended(self, saved: SavedCall, *, final: bool) -> SavedCall:
        """Ask the network to end a call, once a reason is recorded (R4). Raises LegStillUp: it still knows the call."""
        decision = decide(saved.call, GaveUp(self.clock.now(), None))
        if decision.call != saved.call:
            self.calls.save(Change(saved, decision.call))
            saved = self.calls.load(saved.call.id)
        if saved.call.phase is not Phase.OVER and self._may_be_up(saved.call, final=final):
            raise LegStillUp(saved.call.id)
        return saved

    def _may_be_up(self, call: Call, *, final: bool) -> bool:
        """Ask the network to end a call, and whether it still knows it. `final`: its answer changes nothing."""
        assert call.network_call is not None
        try:
            return self.network.end(call.network_call) and not final
        except OutsideUnavailable:
            if not final:
                raise
            _log.warning("finalized without a word of the network", extra={"call_id": call.id}, exc_info=True)
            return False
