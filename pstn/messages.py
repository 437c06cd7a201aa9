"""The inputs and outputs of the engine, as data.

Inputs say what happened, outputs what to do. A leg is identified by its call id; a prompt, a recording and a probe of
an audio file by an id that the engine chooses. Seconds are floats.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


class Input:
    """Something that happened."""


class Output:
    """Something to do."""


@dataclass(frozen=True)
class _OfLeg:
    call_id: str


@dataclass(frozen=True)
class _OfPlayback:
    play_id: str


@dataclass(frozen=True)
class _OfRecording:
    recording_id: str


@dataclass(frozen=True)
class _OfTimer:
    name: str


# --- inputs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CallCreated(Input):
    """CreateSipMediaApplicationCall was accepted. None: it had no such map. No event shows the SIP headers sent."""

    arguments: Mapping[str, str] | None = None
    sip_headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class InboundCall(Input):
    """A SIP rule matched a call from outside."""

    sip_headers: Mapping[str, str] | None = None


class LegRinging(_OfLeg, Input): ...


class LegAnswered(_OfLeg, Input): ...


@dataclass(frozen=True)
class LegEnded(_OfLeg, Input):
    """The far end hung up, refused or was never reached. 0: hung up normally; otherwise the final SIP code."""

    sip_code: int = 0


@dataclass(frozen=True)
class DialRefused(_OfLeg, Input):
    """The bridge's second leg may not be dialled (the account's active-call quota)."""

    reason: str


@dataclass(frozen=True)
class DigitPressed(_OfLeg, Input):
    digit: str


class PlaybackFinished(_OfPlayback, Input): ...


class PlaybackFailed(_OfPlayback, Input):
    """There is no such object, or it is not a WAV file."""


@dataclass(frozen=True)
class AudioProbed(Input):
    probe_id: str
    found: bool


@dataclass(frozen=True)
class RecordingOpened(_OfRecording, Input):
    accessible: bool


class FellSilent(_OfRecording, Input):
    """The party has been as quiet for as long as `RecordVoice` says."""


@dataclass(frozen=True)
class RecordingStored(_OfRecording, Input):
    """Of `StoreVoice`. `stored` False: the bucket could not be written to."""

    stored: bool


@dataclass(frozen=True)
class LambdaReplied(Input):
    sequence: int
    payload: Any


@dataclass(frozen=True)
class LambdaFailed(Input):
    """The function or its invocation failed. A missing reply is no input: the engine's own timers notice it."""

    sequence: int
    reason: str


class TimerFired(_OfTimer, Input): ...


@dataclass(frozen=True)
class UpdateRequested(Input):
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class ServiceEnds(Input):
    """The service can carry this call no longer."""

    reason: str


# --- outputs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Invoke(Output):
    """Invoke the application's Lambda. `attempt` 2 and higher: a repeat of the same sequence."""

    sequence: int
    attempt: int
    event: dict[str, Any]


@dataclass(frozen=True)
class Dial(_OfLeg, Output):
    """`ring_limit`: for how long the network lets it ring; None: no limit."""

    tag: str
    caller_id: str
    to: str
    ring_limit: float | None
    sip_headers: Mapping[str, str] = field(default_factory=dict)


class Answer(_OfLeg, Output):
    """Answer an inbound call."""


@dataclass(frozen=True)
class HangUp(_OfLeg, Output):
    sip_code: int


@dataclass(frozen=True)
class Play(_OfPlayback, Output):
    """`times` None: until stopped. `mutes`: the peer, if the two are not to hear each other meanwhile."""

    call_id: str
    bucket: str
    key: str
    times: int | None = 1
    mutes: str | None = None


@dataclass(frozen=True)
class Say(_OfPlayback, Output):
    call_id: str
    text: str
    seconds: float
    mutes: str | None = None


class StopPlayback(_OfPlayback, Output): ...


@dataclass(frozen=True)
class SendDigit(_OfLeg, Output):
    """Send one key's tone to the far end, for this long."""

    digit: str
    seconds: float


@dataclass(frozen=True)
class ProbeAudio(Output):
    probe_id: str
    bucket: str
    key: str


@dataclass(frozen=True)
class Join(_OfLeg, Output):
    """Connect the audio of two legs until either ends."""

    other_id: str


@dataclass(frozen=True)
class OpenRecording(_OfRecording, Output):
    call_id: str
    track: Literal["BOTH", "INCOMING", "OUTGOING"]
    bucket: str
    key: str


@dataclass(frozen=True)
class Silence:
    """A party is silent once the mean of its samples' absolute values (16 bits) was below `threshold` for so long.

    The scale of RecordAudio's SilenceThreshold (1 to 1000) is given in decibels of the room only; other telephony
    software has this one.
    """

    seconds: float
    threshold: int


@dataclass(frozen=True)
class RecordVoice(_OfRecording, Output):
    """Record what comes from one party. `silence`: report it, if not None."""

    call_id: str
    bucket: str
    key: str
    silence: Silence | None


class StoreVoice(_OfRecording, Output):
    """End a `RecordVoice`, store it at once and report whether that succeeded."""


class PauseRecording(_OfRecording, Output): ...


class ResumeRecording(_OfRecording, Output): ...


class CloseRecording(_OfRecording, Output): ...


@dataclass(frozen=True)
class SetTimer(_OfTimer, Output):
    seconds: float


class CancelTimer(_OfTimer, Output): ...


@dataclass(frozen=True)
class Log(Output):
    """What the service writes to the application's message log."""

    text: str


@dataclass(frozen=True)
class CallOver(Output):
    """Every leg has ended."""
