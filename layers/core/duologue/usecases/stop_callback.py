"""Stop a callback: record the wish, then ask the network. The end itself is told when it has come (R8)."""

from dataclasses import replace

from duologue.domain.call import Phase
from duologue.domain.errors import OutsideUnavailable, RaceLost, UnknownCall
from duologue.domain.outcome import EndReason
from duologue.usecases.ports import Calls, Change, Clock, Flows, Network, SavedCall

_TRIES = 8


def stop_callback(call_id: str, app_key: str, *, calls: Calls, network: Network, flows: Flows, clock: Clock) -> None:
    """Make a call end. A second stop, or a stop of a call that is ending anyway, is success.

    Success is true even if all that carries it out is lost: a call whose end is recorded is soon due for the sweeper.

    Raises:
        UnknownCall: the app has no such call, or it is over.
        OutsideUnavailable: the wish is not recorded, or nobody could be asked to carry it out; repeat it.
    """
    saved = _record(call_id, app_key, calls, clock)
    if saved.call.network_call is None:
        return  # nothing is dialled yet, and now nothing will be: the flow asks the row before each dial
    try:
        asked = network.end(saved.call.network_call)
    except OutsideUnavailable:
        if saved.task_token is None:
            raise
        asked = False
    if not asked and saved.task_token is not None:
        # The flow asks for as long as it takes; or the call is over and its hang-ups were not heard, and the flow
        # waits for them a little before it settles.
        flows.interrupt(saved.task_token)


def _record(call_id: str, app_key: str, calls: Calls, clock: Clock) -> SavedCall:
    for _ in range(_TRIES):
        saved = calls.load(call_id)
        if saved.call.app != app_key or saved.call.phase is Phase.OVER:
            raise UnknownCall(call_id)
        if saved.call.ending is not None:
            return saved
        stopped = replace(saved.call, ending=EndReason.STOPPED, ending_at=clock.now())
        try:
            calls.save(Change(before=saved, after=stopped))
        except RaceLost:
            continue
        return replace(saved, call=stopped)
    raise OutsideUnavailable(f"call {call_id}: {_TRIES} races lost in a row")
