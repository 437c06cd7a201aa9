"""A callback: two legs and what was asked for. Its phase follows from what happened, so it can never go back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from duologue.domain.audio import Audio
from duologue.domain.leg import Leg
from duologue.domain.outcome import EndReason, Party
from duologue.domain.recording import Recording


class Phase(IntEnum):
    """In the order that a call goes through them; some are skipped, none is entered twice."""

    ACCEPTED = 0
    RINGING_CALLER = 1
    CALLER_WAITING = 2  # the caller is up and alone
    RINGING_CALLEE = 3
    TALKING = 4
    ENDING = 5  # a reason to end is recorded; legs may still be up
    OVER = 6


@dataclass(frozen=True, slots=True)
class NotifyTo:
    """Where the SP is told. None: it did not ask to be told."""

    status_url: str | None = None
    fee_url: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One callback. `id` is the platform's own; the SP sees a wire id derived from it."""

    id: str
    sp: str
    app: str
    caller: Leg
    callee: Leg
    accepted_at: datetime
    ring_limit: timedelta
    """How long the callee may ring; 1 to 120 s."""
    longest_talk: timedelta
    """From the callee's answer; at most 1,440 min."""
    before_talk: timedelta = timedelta(minutes=15)
    """From the acceptance: how long all dials, rings and prompts before the talk may take."""
    announces_end: bool = False
    """The SP set the longest talk itself, so those who talk are told of its last minute."""
    bind_number: str = ""
    notify: NotifyTo = NotifyTo()
    audio: Audio = Audio()
    plays_before_callee: bool = False
    """The SP wants a prompt to be heard before the callee is dialled."""
    wants_recording: bool = False
    """The SP wants a recording, and nothing has yet stood in its way."""
    keep_recording_days: int = 0
    """As its app was set when the call was accepted; 0: as long as the platform keeps any."""
    user_data: str | None = None
    wants_party_type: bool = False
    taken_up_at: datetime | None = None
    """When the flow began to dial; None: nothing was dialled yet, and nothing will be once the call is over."""
    network_call: str | None = None
    """The carrier's id of the call: the first one stored wins (R6)."""
    dial_refusal: str | None = None
    """The network's error code, where it refused a dial; never its text."""
    prelude_at: datetime | None = None
    """When the prompt before the callee's dial began."""
    recording: Recording | None = None
    """None: none was started."""
    ending: EndReason | None = None
    """The first reason to end that was recorded."""
    ending_at: datetime | None = None
    ended_by: Party | None = None
    """Who hung up; None if the platform or the network ended it."""
    ended_at: datetime | None = None
    facts: int = 0
    """How many facts were recorded so far: the sequence of the last one."""

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
    def is_unheard(self) -> bool:
        """It was to be dialled, and the network never said a word of it: nothing was dialled, or nothing reaches us."""
        return self.network_call is None and self.ending is EndReason.CALLER_SILENT

    def leg(self, party: Party) -> Leg:
        return self.caller if party is Party.CALLER else self.callee
