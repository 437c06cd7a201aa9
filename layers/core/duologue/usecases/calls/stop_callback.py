"""Stop a callback: record the request, then ask the network. The end is notified when it happens (R8)."""

from dataclasses import dataclass

from duologue.call_control.events import StopAsked
from duologue.call_control.machine import decide
from duologue.domain.calls.call import Phase
from duologue.domain.errors import OutsideUnavailable, UnknownCall
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.network import Network
from duologue.usecases.ports.outside import Clock
from duologue.usecases.until_written import Pause, until_written


@dataclass(frozen=True, slots=True)
class StopCallback:
    """`network` None: the flow alone asks the network."""

    calls: Calls
    network: Network | None
    flows: Flows
    clock: Clock
    pause: Pause

    def __call__(self, call_id: str, app_key: str) -> None:
        """End a call. A second stop, or a stop of a call that is already ending, succeeds.

        Success holds even if everything after the record is lost: a call with a recorded end reason is soon due for the
        sweeper.

        Raises:
            UnknownCall: the app has no such call, or it is over.
            OutsideUnavailable: the stop is not recorded, or neither network nor flow could be reached; repeat it.
        """
        call = record_stop(call_id, calls=self.calls, clock=self.clock, pause=self.pause, app_key=app_key).after
        if call.network_call is None:
            return  # nothing was dialled, and nothing will be: the flow reads the call before each dial
        unreached: OutsideUnavailable | None = None
        try:
            if self.network is not None and self.network.end(call.network_call):
                return
        except OutsideUnavailable as error:
            unreached = error
        # The flow keeps asking the network; or the hang-ups were lost, and the flow waits for them before it settles.
        token = self.calls.task_token(call_id)
        if token is not None:
            self.flows.interrupt(token.value)
        elif unreached is not None:
            raise unreached


def record_stop(call_id: str, *, calls: Calls, clock: Clock, pause: Pause, app_key: str | None = None) -> Change:
    """Record that a call is to end; the change, which may be none. `app_key`: whose call it must be; None: anyone's.

    Raises:
        UnknownCall: the app has no such call, or it is over.
        OutsideUnavailable: it is not recorded.
    """

    def once() -> Change:
        saved = calls.load(call_id)
        if app_key not in (None, saved.call.app) or saved.call.phase is Phase.OVER:
            raise UnknownCall(call_id)
        change = Change(saved, decide(saved.call, StopAsked(clock.now())).call)
        if change.after != saved.call:
            calls.save(change)
        return change

    return until_written(once, pause, f"call {call_id}")
