"""Finalize a call whose last hang-up was never reported: the safety net of R10."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from duologue.call_control.events import EndNotReported, GaveUp, NeverTakenUp, NodeDied, OwnEvent
from duologue.call_control.machine import decide
from duologue.domain.calls.call import Call, Phase
from duologue.domain.calls.due import due_by
from duologue.domain.calls.node import Node, node_of_call
from duologue.domain.errors import AlreadyDone, LegStillUp, OutsideUnavailable
from duologue.usecases.calls.process_network_event import change_of
from duologue.usecases.calls.resume_flow import resume_flow_now
from duologue.usecases.ports.call_changes import Change, SavedCall
from duologue.usecases.until_written import Pause, until_written

if TYPE_CHECKING:
    from duologue.usecases.ports.calls import Calls
    from duologue.usecases.ports.flows import Flows
    from duologue.usecases.ports.network import Network
    from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)
GRACE = timedelta(minutes=30)
"""How long the network is asked to end a call that it still knows, before the call is finalized anyway."""


@dataclass(frozen=True, slots=True)
class FinalizeCall:
    calls: Calls
    network: Network
    flows: Flows
    clock: Clock
    pause: Pause

    def __call__(self, call_id: str) -> Call | None:
        """Finalize a call if no leg can be up, and return it; None: it was already finalized.

        Raises:
            LegStillUp: the network still knows the call; it was asked to end it, and the hang-ups will finalize it.
            OutsideUnavailable: storage or the network is unavailable.
            UnknownCall: there is no such call.
        """
        return until_written(
            lambda: self._finalize(self.calls.load(call_id), final=False), self.pause, f"call {call_id}"
        )

    def if_due(self, call_id: str) -> Call | None:
        """The same for the sweeper: a call that is not due yet is postponed.

        A call that has been due for GRACE is finalized whatever the network says.
        """

        def sweep() -> Call | None:
            saved = self.calls.load(call_id)
            due, now = due_by(saved.call), self.clock.now()
            if saved.call.phase is not Phase.OVER and due > now:
                self.calls.save(Change(saved, saved.call, postpones=True))
                return None
            return self._finalize(saved, final=due + GRACE <= now)

        return until_written(sweep, self.pause, f"call {call_id}")

    def lost(self, call_id: str, node: Node) -> Call | None:
        """The same for a call on a node that is dead, so that no leg can be up; None as well: it is not, or no more.

        Raises:
            OutsideUnavailable, UnknownCall: as above.
        """

        def close() -> Call | None:
            saved = self.calls.load(call_id)
            if saved.call.phase is Phase.OVER or node_of_call(saved.call.network_call, saved.dial_mark) != node.id:
                return None
            return self._close(saved, NodeDied(node.beat_at))

        return until_written(close, self.pause, f"call {call_id}")

    def _finalize(self, saved: SavedCall, *, final: bool) -> Call | None:
        if saved.call.phase is Phase.OVER:
            return None
        if saved.call.network_call is not None:
            saved = self._ended(saved, final=final)
        never = saved.call.taken_up_at is None and saved.call.network_call is None
        event = NeverTakenUp if never else EndNotReported
        return self._close(saved, event(self.clock.now()))

    def _close(self, saved: SavedCall, event: OwnEvent) -> Call | None:
        change = change_of(saved, decide(saved.call, event))
        try:
            self.calls.save(change)
        except AlreadyDone:
            return None
        resume_flow_now(saved.call.id, change.resumes, calls=self.calls, flows=self.flows, seen=saved.task_token)
        return change.after

    def _ended(self, saved: SavedCall, *, final: bool) -> SavedCall:
        """Record a reason (R4), then ask the network to end the call. Raises LegStillUp: it still knows the call."""
        decision = decide(saved.call, GaveUp(self.clock.now(), None))
        if decision.call != saved.call:
            self.calls.save(Change(saved, decision.call))
            saved = self.calls.load(saved.call.id)
        if saved.call.phase is not Phase.OVER and self._may_be_up(saved.call, final=final):
            raise LegStillUp(saved.call.id)
        return saved

    def _may_be_up(self, call: Call, *, final: bool) -> bool:
        """Ask the network to end a call; True: it still knows it. `final`: its response does not matter."""
        assert call.network_call is not None
        try:
            return self.network.end(call.network_call) and not final
        except OutsideUnavailable:
            if not final:
                raise
            _log.warning("finalizing although the network did not respond", extra={"call_id": call.id}, exc_info=True)
            return False
