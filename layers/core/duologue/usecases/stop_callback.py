"""Stop a callback: record the wish, then ask the network. The end itself is told when it has come (R8)."""

from dataclasses import replace

from duologue.domain.call import Phase
from duologue.domain.errors import OutsideUnavailable, RaceLost, UnknownCall
from duologue.domain.outcome import EndReason
from duologue.usecases.ports import Calls, Change, Flows, Network, SavedCall

_TRIES = 8


def stop_callback(call_id: str, app_key: str, *, calls: Calls, network: Network, flows: Flows) -> None:
    """Make a call end. A second stop, or a stop of a call that is ending anyway, is success.

    Raises:
        UnknownCall: the app has no such call, or it is over.
        OutsideUnavailable: the wish is not recorded, or nobody could be asked to carry it out; repeat it.
    """
    saved = _record(call_id, app_key, calls)
    if saved.call.network_call is None:
        return  # nothing is dialled yet, and now nothing will be: the flow asks the row before each dial
    try:
        network.end(saved.call.network_call)
    except OutsideUnavailable:
        if saved.listener is None:
            raise
        flows.interrupt(saved.listener)  # the flow retries for as long as it takes


def _record(call_id: str, app_key: str, calls: Calls) -> SavedCall:
    for _ in range(_TRIES):
        saved = calls.load(call_id)
        if saved.call.app != app_key or saved.call.phase is Phase.OVER:
            raise UnknownCall(call_id)
        if saved.call.ending is not None:
            return saved
        stopped = replace(saved.call, ending=EndReason.STOPPED)
        try:
            calls.save(Change(before=saved, after=stopped))
        except RaceLost:
            continue
        return replace(saved, call=stopped)
    raise OutsideUnavailable(f"call {call_id}: {_TRIES} races lost in a row")
