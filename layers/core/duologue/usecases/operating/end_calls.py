"""End calls for the operator: one, or all of an app. Nothing but the store and the flow is needed, so no carrier.

The end is recorded as the SP's stop is (R8), and the flow's wait is interrupted: its next state asks the network to
hang up. A flow between two waits reads the call before it waits again (R1). If the flow has failed, the sweeper ends
the call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from duologue.domain.calls.call import Phase
from duologue.domain.errors import OutsideUnavailable, UnknownCall
from duologue.usecases.calls.place_callback import FIRST_IS_OVER
from duologue.usecases.calls.stop_callback import record_stop
from duologue.usecases.ports.calls import Calls, OpenCalls
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.outside import Clock
from duologue.usecases.until_written import Pause


@dataclass(frozen=True, slots=True)
class EndedByOperator:
    """A call, and its phase before: OVER if there was nothing to end."""

    call_id: str
    app: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class EndCalls:
    calls: Calls
    open_calls: OpenCalls
    flows: Flows
    clock: Clock
    pause: Pause

    def one(self, call_id: str) -> EndedByOperator:
        """End a call. A call that is ending or over is left as it is.

        Raises:
            UnknownCall: there is no such call.
            OutsideUnavailable: the end is not recorded, or the flow could not be reached; repeat it.
        """
        try:
            before = record_stop(call_id, calls=self.calls, clock=self.clock, pause=self.pause).before.call
        except UnknownCall:
            before = self.calls.load(call_id).call
            return EndedByOperator(call_id, before.app, before.phase)
        token = self.calls.task_token(call_id)
        if token is not None:
            self.flows.interrupt(token.value)
        return EndedByOperator(call_id, before.app, before.phase)

    def of_apps(self, app_keys: set[str], wait: Callable[[timedelta], None]) -> list[EndedByOperator]:
        """End all calls of suspended apps, also those that requests of before the suspension place meanwhile.

        `wait`: waits until the last of these requests is over.

        Raises:
            OutsideUnavailable: some calls could not be ended, which the text names; all others were. Repeat it.
        """
        ended: dict[str, EndedByOperator] = {}
        for again in (True, False):
            failed: list[str] = []  # the first time they are tried again
            for call_id in self._open_calls(app_keys) - ended.keys():
                try:
                    ended[call_id] = self.one(call_id)
                except UnknownCall:  # its items have expired or were deleted: the sweeper frees the slot
                    continue
                except OutsideUnavailable as error:
                    failed.append(f"{call_id} ({error})")
            if again:
                wait(FIRST_IS_OVER)
        if failed:
            raise OutsideUnavailable(f"these calls may go on, all others were ended: {', '.join(failed)}; repeat it")
        return [ended[call_id] for call_id in sorted(ended)]

    def _open_calls(self, app_keys: set[str]) -> set[str]:
        """By the slots that they hold. A call without one is over, or answers an unknown caller with a prompt."""
        return {slot.call_id for slot in self.open_calls.held_slots() if slot.app in app_keys}
