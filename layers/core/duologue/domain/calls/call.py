"""A call: two legs and the request's settings. Its phase is derived from its times, so it never goes back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from duologue.domain.calls.leg import Leg
from duologue.domain.calls.memory_draft import MemoryDraft
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.media.audio import Audio
from duologue.domain.media.recording import Recording

LAST_MINUTE = timedelta(minutes=1)
"""How long before the end of the longest talk its end is announced."""


class Phase(IntEnum):
    """In the order in which a call passes through them; some are skipped, none is entered twice."""

    ACCEPTED = 0
    RINGING_CALLER = 1
    CALLER_WAITING = 2  # the caller is connected, the callee not dialled yet
    RINGING_CALLEE = 3
    TALKING = 4
    ENDING = 5  # a reason to end is recorded; legs may still be up
    OVER = 6


class Origin(StrEnum):
    """What started a call."""

    CALLBACK = "callback"
    """The SP's request: the platform dials both parties."""
    RETURN_CALL = "return_call"
    """Somebody dialled a display number: that is the caller, whose leg is answered when the callee answers."""


@dataclass(frozen=True, slots=True)
class NotifyTo:
    """Where notifications are posted. None: they are not posted."""

    status_url: str | None = None
    fee_url: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One callback or return call. `id` is the platform's own; the SP sees a wire id derived from it."""

    id: str
    sp: str
    app: str
    caller: Leg
    callee: Leg
    accepted_at: datetime
    """Of a return call: when it came in."""
    ring_limit: timedelta
    """Ring limit for the callee; 1 to 120 s."""
    longest_talk: timedelta
    """From the callee's answer; at most 1,440 min."""
    before_talk: timedelta = timedelta(minutes=15)
    """From acceptance: the maximum time for all dials, ringing and prompts before the talk."""
    announces_end: bool = False
    """The SP set the longest talk itself, so a prompt announces the last minute."""
    bind_number: str = ""
    notify: NotifyTo = NotifyTo()
    audio: Audio = Audio()
    plays_before_callee: bool = False
    """The SP requested a prompt before the callee is dialled."""
    wants_recording: bool = False
    """The SP requested a recording, and nothing has prevented it so far."""
    keep_recording_days: int = 0
    """The app's setting when the call was accepted; 0: the platform's retention."""
    user_data: str | None = None
    wants_party_type: bool = False
    origin: Origin = Origin.CALLBACK
    memory: MemoryDraft | None = None
    """The call memory that the callee's dial creates; None: the app or the request wants none."""
    pair: str | None = None
    """Of a return call: the pair's key, which no other return call may have at the same time."""
    rejects_failure: bool = False
    """Of a return call: if the callee cannot be connected, the caller is rejected unanswered, without a prompt."""
    rates: tuple[int, int] | None = None
    """What a minute of the caller's and the callee's leg costs, in micro-USD, as of the acceptance.

    None: accepted by a release that did not keep them.
    """
    taken_up_at: datetime | None = None
    """When the flow started to dial; None: nothing was dialled yet, and nothing will be once the call is over."""
    network_call: str | None = None
    """The carrier's id of the call; the first one stored counts (R6)."""
    dial_refusal: str | None = None
    """The network's error code if it refused a dial; never its text."""
    prelude_at: datetime | None = None
    """When the prompt before the callee's dial started."""
    recording: Recording | None = None
    """None: none was started."""
    ending: EndReason | None = None
    """The first reason to end that was recorded."""
    ending_at: datetime | None = None
    ended_by: Party | None = None
    """Who hung up; None if the platform or the network ended it."""
    ended_at: datetime | None = None
    facts: int = 0
    """Number of facts recorded so far, which is the sequence of the last one."""

    @property
    def phase(self) -> Phase:
        if self.ended_at is not None:
            return Phase.OVER
        if self.ending is not None:
            return Phase.ENDING
        if self.callee.answered_at is not None:
            return Phase.TALKING
        if self.callee.dialled_at is not None:
            return Phase.RINGING_CALLEE
        if self.caller.answered_at is not None:
            return Phase.CALLER_WAITING
        if self.network_call is not None:
            return Phase.RINGING_CALLER
        return Phase.ACCEPTED

    @property
    def network_error(self) -> str | None:
        """The code with which the network refused a dial, or a trunk a leg."""
        return self.dial_refusal or self.caller.refusal or self.callee.refusal

    @property
    def is_return_call(self) -> bool:
        return self.origin is Origin.RETURN_CALL

    @property
    def has_no_events(self) -> bool:
        """Dialled, or about to be, without any event of the network: nothing was dialled, or no event reaches us."""
        return self.network_call is None and self.ending is EndReason.CALLER_SILENT

    def leg(self, party: Party) -> Leg:
        return self.caller if party is Party.CALLER else self.callee
