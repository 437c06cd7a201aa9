"""Finalize a call that the network never ended for us: the safety net under the last hang-up (R10)."""

import logging
from dataclasses import replace
from datetime import timedelta

from duologue.call_control.machine import close
from duologue.domain.call import Call, Phase
from duologue.domain.errors import AlreadyDone, LegStillUp, OutsideUnavailable, RaceLost
from duologue.domain.outcome import EndReason
from duologue.usecases.ports import Calls, Change, Clock, Flows, Network
from duologue.usecases.process_network_event import change_of, resume_flow

_log = logging.getLogger(__name__)
_TRIES = 8
GRACE = timedelta(minutes=30)
"""How long a call that the network still knows is asked to end before it is closed all the same."""


def finalize_call(
    call_id: str, *, calls: Calls, network: Network, flows: Flows, clock: Clock, final: bool
) -> Call | None:
    """Close a call if no leg of it can be up. The call as this closed it; None if it was closed before.

    `final`: the call is so old that it is closed whatever the network says, or if it says nothing.

    Raises:
        LegStillUp: the network still knows the call; it was asked to end, and its hang-ups will close the account.
        OutsideUnavailable: the network cannot be asked; never raised for that if `final`.
        UnknownCall: there is no such call.
    """
    for _ in range(_TRIES):
        saved = calls.load(call_id)
        call = saved.call
        if call.phase is Phase.OVER:
            return None
        if call.network_call is not None and call.ending is None:
            ending = replace(call, ending=reason_of(call), ending_at=clock.now())
            change = Change(saved, ending)  # before the network is asked (R4)
        elif call.network_call is not None and _may_be_up(call.network_call, network, final=final):
            raise LegStillUp(call_id)
        else:
            change = change_of(saved, close(call, clock.now(), reason_of(call)))
        try:
            calls.save(change)
        except RaceLost:
            continue
        except AlreadyDone:
            return None
        if change.finalizes:
            resume_flow(flows, change.resumes)
            return change.after
    raise OutsideUnavailable(f"call {call_id}: {_TRIES} races lost in a row")


def _may_be_up(network_call: str, network: Network, *, final: bool) -> bool:
    """Ask the network to end a call, and whether it still knows it. `final`: its answer changes nothing any more."""
    try:
        return network.end(network_call) and not final
    except OutsideUnavailable:
        if not final:
            raise
        _log.warning("closed without a word of the network", extra={"network_call": network_call}, exc_info=True)
        return False


def reason_of(call: Call) -> EndReason:
    """Why a call ends that no event ended, if no reason was recorded."""
    if call.taken_up_at is None:
        return EndReason.NEVER_STARTED
    if call.network_call is None:
        return EndReason.CALLER_SILENT
    return EndReason.LOST
