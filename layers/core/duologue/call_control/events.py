"""Events of a call: what the network reports, then what the platform itself requests.

Each may arrive twice, late, never, or before the dial that caused it is recorded.

`at`: when we received it, or the network's own time if it gives one. `network_call` and `leg_id`: the carrier's opaque
ids of the call and the leg. `connected`: the legs that the network reports as up, by party; it may know of an answer
whose event never reached us.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from duologue.domain.calls.outcome import Party
from duologue.domain.errors import DuologueError
from duologue.domain.numbers.phone_number import PhoneNumber


@dataclass(frozen=True, slots=True)
class NetworkEvent:
    at: datetime
    network_call: str


@dataclass(frozen=True, slots=True)
class InboundCall(NetworkEvent):
    """Someone calls one of our display numbers. The leg is not answered yet.

    `caller`, `display`: the number that calls and the number called; None: withheld, or not E.164. `started_at`: when
    the leg was created, by the network's clock; the same in every repeat. None: the network does not say.
    """

    leg_id: str
    caller: PhoneNumber | None = None
    display: PhoneNumber | None = None
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DialAccepted(NetworkEvent):
    """The network accepted the caller's dial and is placing it. No actions can be returned."""

    leg_id: str
    dialled_at: datetime


@dataclass(frozen=True, slots=True)
class LegRinging(NetworkEvent):
    party: Party
    leg_id: str
    dialled_at: datetime | None


@dataclass(frozen=True, slots=True)
class LegAnswered(NetworkEvent):
    """A leg was answered. The callee's is then bridged with the caller's."""

    party: Party
    leg_id: str
    dialled_at: datetime | None


@dataclass(frozen=True, slots=True)
class BridgeFailed(NetworkEvent):
    """The callee was not connected. `sip_status` 0: the network gives no reason.

    `refused`: the network's error code if the callee was not dialled at all; None: it was dialled.
    `no_room`: refused for lack of capacity, not for good.
    `unplayable`: refused because the waiting prompt could not be played.
    """

    sip_status: int = 0
    refused: str | None = None
    no_room: bool = False
    unplayable: bool = False


class PromptPlayed(NetworkEvent):
    """The last prompt of an action list was played to its end."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RecordingStarted(NetworkEvent):
    """The call is being recorded. `key`: where the file will be stored, some time after the call."""

    key: str


@dataclass(frozen=True, slots=True)
class ActionRefused(NetworkEvent):
    """The network could not execute an action other than the bridge, and dropped the rest of the list."""

    action: str
    why: str


@dataclass(frozen=True, slots=True)
class LegEnded(NetworkEvent):
    """A leg ended. `sip_status` 0: it had been answered and ended normally. `connected`: its peer, or nobody."""

    party: Party
    leg_id: str
    sip_status: int
    connected: Mapping[Party, str] = field(default_factory=dict)


class DialCalleeAsked(NetworkEvent):
    """The flow requests the callee's dial."""

    __slots__ = ()


class LastMinuteAsked(NetworkEvent):
    """The flow requests the prompt before the last minute."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class EndAsked(NetworkEvent):
    """The SP or the flow requests the end of the call; the reason is recorded on the call."""

    connected: Mapping[Party, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Informational(NetworkEvent):
    """An event that needs no decision (an interrupted prompt, a confirmed hang-up)."""

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
    """An event of the platform itself; it has no network call."""

    at: datetime


class StopAsked(OwnEvent):
    """The SP requests the end of the call."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class GaveUp(OwnEvent):
    """The flow gave up because of `error`; None: not an error of this product."""

    error: type[DuologueError] | None


class NeverTakenUp(OwnEvent):
    """The call was accepted but its flow never started, and no longer will: nothing was dialled."""

    __slots__ = ()


class EndNotReported(OwnEvent):
    """No leg of the call can still be up, but the network never reported its end."""

    __slots__ = ()


class NodeDied(OwnEvent):
    """The node that had the call, or was about to dial it, is dead. `at`: when it was last heard of."""

    __slots__ = ()
