"""What happens to a call, in our words: what the network says of it, and at the end what we ask for ourselves.

Every one may come twice, late, never, or before the call that caused it is known.

`at` is when we heard of it, or the network's own time where it gives one. `network_call` is the carrier's id of the
call, `leg_id` its id of the leg; both are opaque. `connected`: the legs that the network itself says are up, by party;
it may know of an answer that we never heard.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from duologue.call_control.prompts import PromptAudio
from duologue.domain.errors import DuologueError
from duologue.domain.outcome import Party


@dataclass(frozen=True, slots=True)
class NetworkEvent:
    at: datetime
    network_call: str


@dataclass(frozen=True, slots=True)
class InboundCall(NetworkEvent):
    """Somebody dials one of our display numbers, and hears ringing."""

    leg_id: str


@dataclass(frozen=True, slots=True)
class DialAccepted(NetworkEvent):
    """The network accepted the caller's dial and is placing it. Nothing can be answered to it."""

    leg_id: str
    dialled_at: datetime


@dataclass(frozen=True, slots=True)
class LegRinging(NetworkEvent):
    party: Party
    leg_id: str
    dialled_at: datetime | None


@dataclass(frozen=True, slots=True)
class LegAnswered(NetworkEvent):
    """A leg was answered; for the callee: and joined with the caller."""

    party: Party
    leg_id: str
    dialled_at: datetime | None


@dataclass(frozen=True, slots=True)
class BridgeFailed(NetworkEvent):
    """The callee's leg came to nothing. `sip_status` 0: the network does not say why.

    `refused`: the network's code of why it was not even dialled; None: it was dialled.
    `no_room`: it was refused for now, not for good.
    `unplayable`: it was refused, since the prompt to wait by could not be played.
    """

    sip_status: int = 0
    refused: str | None = None
    no_room: bool = False
    unplayable: bool = False


@dataclass(frozen=True, slots=True)
class PromptPlayed(NetworkEvent):
    """The last prompt of what we asked for has been heard to its end; None: the network does not say which."""

    prompt: PromptAudio | None = None


@dataclass(frozen=True, slots=True)
class RecordingStarted(NetworkEvent):
    """The call is being recorded. `key` is where its file will be, some time after the call."""

    key: str


@dataclass(frozen=True, slots=True)
class ActionRefused(NetworkEvent):
    """The network could not do something we asked for, other than the bridge; the rest of the list is gone.

    `prompt`: the one that was refused; None: the action was no prompt, or the network does not say which.
    """

    action: str
    why: str
    prompt: PromptAudio | None = None


@dataclass(frozen=True, slots=True)
class LegEnded(NetworkEvent):
    """A leg is over. `sip_status` 0: it had been answered, and ended normally. `connected`: its peer, or nobody."""

    party: Party
    leg_id: str
    sip_status: int
    connected: Mapping[Party, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DialCalleeAsked(NetworkEvent):
    """The state machine wants the callee rung."""


@dataclass(frozen=True, slots=True)
class LastMinuteAsked(NetworkEvent):
    """The state machine says that a minute is left of the longest call."""


@dataclass(frozen=True, slots=True)
class EndAsked(NetworkEvent):
    """The SP or the state machine wants the call ended; the reason is on the call."""

    connected: Mapping[Party, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Informational(NetworkEvent):
    """Said for our information only (an interrupted prompt, a hang-up confirmed)."""

    what: str


CallEvent = (
    InboundCall
    | DialAccepted
    | LegRinging
    | LegAnswered
    | BridgeFailed
    | PromptPlayed
    | RecordingStarted
    | ActionRefused
    | LegEnded
    | DialCalleeAsked
    | LastMinuteAsked
    | EndAsked
    | Informational
)


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """Something that the platform itself brings to a call; it concerns no network call."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StopAsked(OwnEvent):
    """The SP wants the call to end."""


@dataclass(frozen=True, slots=True)
class GaveUp(OwnEvent):
    """The flow gave up. `error` led to that; None: nothing that the product names."""

    error: type[DuologueError] | None


@dataclass(frozen=True, slots=True)
class NeverTakenUp(OwnEvent):
    """The call was accepted, its flow never began, and now it never will: nothing was dialled."""


@dataclass(frozen=True, slots=True)
class EndNotHeard(OwnEvent):
    """No leg of the call can be up any more, and the network never told its end."""
