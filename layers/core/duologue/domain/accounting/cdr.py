"""The CDR of a finished call. There is exactly one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from duologue.domain.calls.call import Call, Origin
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.errors import LegStillUp
from duologue.domain.media.recording import Recording

if TYPE_CHECKING:
    from duologue.domain.accounting.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Cdr:
    """The call with both legs as they ended."""

    call_id: str
    sp: str
    app: str
    bind_number: str
    caller: Leg
    callee: Leg
    accepted_at: datetime
    ended_at: datetime
    reason: EndReason
    ended_by: Party | None
    user_data: str | None
    wants_party_type: bool
    recording: Recording | None = None
    """None: none was started."""
    recording_notice: str | None = None
    """The app's prompt that both parties heard before it; None: the platform's."""
    dial_refusal: str | None = None
    """The network's error code if it refused a dial."""
    origin: Origin = Origin.CALLBACK
    receipt: "Receipt | None" = None
    """None: the call was accepted by a release that kept no rates."""

    @property
    def network_error(self) -> str | None:
        """The code with which the network refused a dial, or a trunk a leg."""
        return self.dial_refusal or self.caller.refusal or self.callee.refusal

    @property
    def cost(self) -> int:
        """Telephone charges of both legs in micro-USD, by the operator's rates; 0 without a receipt."""
        return 0 if self.receipt is None else self.receipt.cost

    @property
    def talk(self) -> timedelta:
        return talk_time(self.caller, self.callee)


def cdr_of(call: Call, writes: int = 0, keep: timedelta = timedelta(0)) -> Cdr:
    """The CDR of a call that is over. `writes`, `keep`: as of `receipt_of`.

    Raises:
        LegStillUp: the call is not over.
    """
    from duologue.domain.accounting.receipt import receipt_of  # not while a person waits for the process to start

    if call.ended_at is None or call.ending is None:
        raise LegStillUp(call.id)
    return Cdr(
        call_id=call.id,
        sp=call.sp,
        app=call.app,
        bind_number=call.bind_number,
        caller=call.caller,
        callee=call.callee,
        accepted_at=call.accepted_at,
        ended_at=call.ended_at,
        reason=call.ending,
        ended_by=call.ended_by,
        user_data=call.user_data,
        wants_party_type=call.wants_party_type,
        recording=call.recording,
        recording_notice=call.audio.recording_notice,
        dial_refusal=call.dial_refusal,
        origin=call.origin,
        receipt=receipt_of(call, writes, keep),
    )


def talk_time(caller: Leg, callee: Leg) -> timedelta:
    """The billable time, from the later answer to the earlier end; zero if a leg was never answered.

    Raises:
        LegStillUp: an answered leg has not ended.
    """
    if caller.answered_at is None or callee.answered_at is None:
        return timedelta(0)
    if caller.ended_at is None or callee.ended_at is None:
        raise LegStillUp("talk time is known when both legs have ended")
    return max(timedelta(0), min(caller.ended_at, callee.ended_at) - max(caller.answered_at, callee.answered_at))
