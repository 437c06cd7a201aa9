"""The inputs and outputs of the engine, as data.

Inputs say what happened, outputs what to do. A leg is identified by its call id; a prompt, a recording and a probe of
an audio file by an id that the engine chooses. Seconds are floats.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# --- inputs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CallCreated:
    """CreateSipMediaApplicationCall was accepted. None: it had no such map. No event shows the SIP headers sent."""

    arguments: Mapping[str, str] | None = None
    sip_headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class InboundCall:
    """A SIP rule matched a call from outside."""

    sip_headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class LegRinging:
    call_id: str


@dataclass(frozen=True)
class LegAnswered:
    call_id: str


@dataclass(frozen=True)
class LegEnded:
    """The far end hung up, refused or was never reached. 0: hung up normally; otherwise the final SIP code."""

    call_id: str
    sip_code: int = 0


@dataclass(frozen=True)
class DialRefused:
    """The bridge's second leg may not be dialled (the account's active-call quota)."""

    call_id: str
    reason: str


@dataclass(frozen=True)
class DigitPressed:
    call_id: str
    digit: str


@dataclass(frozen=True)
class PlaybackFinished:
    play_id: str


@dataclass(frozen=True)
class PlaybackFailed:
    """There is no such object, or it is not a WAV file."""

    play_id: str


@dataclass(frozen=True)
class AudioProbed:
    probe_id: str
    found: bool


@dataclass(frozen=True)
class RecordingOpened:
    recording_id: str
    accessible: bool


@dataclass(frozen=True)
class LambdaReplied:
    sequence: int
    payload: Any


@dataclass(frozen=True)
class LambdaFailed:
    """The function or its invocation failed. A missing reply is no input: the engine's own timers notice it."""

    sequence: int
    reason: str


@dataclass(frozen=True)
class TimerFired:
    name: str


@dataclass(frozen=True)
class UpdateRequested:
    arguments: Mapping[str, str]


Input = (
    CallCreated
    | InboundCall
    | LegRinging
    | LegAnswered
    | LegEnded
    | DialRefused
    | DigitPressed
    | PlaybackFinished
    | PlaybackFailed
    | AudioProbed
    | RecordingOpened
    | LambdaReplied
    | LambdaFailed
    | TimerFired
    | UpdateRequested
)

# --- outputs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Invoke:
    """Invoke the application's Lambda. `attempt` 2 and higher: a repeat of the same sequence."""

    sequence: int
    attempt: int
    event: dict[str, Any]


@dataclass(frozen=True)
class Dial:
    """`ring_limit`: for how long the network lets it ring; None: no limit."""

    call_id: str
    tag: str
    caller_id: str
    to: str
    ring_limit: float | None
    sip_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """Answer an inbound call."""

    call_id: str


@dataclass(frozen=True)
class HangUp:
    call_id: str
    sip_code: int


@dataclass(frozen=True)
class Play:
    """`times` None: until stopped. `mutes`: the peer, if the two are not to hear each other meanwhile."""

    play_id: str
    call_id: str
    bucket: str
    key: str
    times: int | None = 1
    mutes: str | None = None


@dataclass(frozen=True)
class Say:
    play_id: str
    call_id: str
    text: str
    seconds: float
    mutes: str | None = None


@dataclass(frozen=True)
class StopPlayback:
    play_id: str


@dataclass(frozen=True)
class ProbeAudio:
    probe_id: str
    bucket: str
    key: str


@dataclass(frozen=True)
class Join:
    """Connect the audio of two legs until either ends."""

    call_id: str
    other_id: str


@dataclass(frozen=True)
class OpenRecording:
    recording_id: str
    call_id: str
    track: Literal["BOTH", "INCOMING", "OUTGOING"]
    bucket: str
    key: str


@dataclass(frozen=True)
class PauseRecording:
    recording_id: str


@dataclass(frozen=True)
class ResumeRecording:
    recording_id: str


@dataclass(frozen=True)
class CloseRecording:
    recording_id: str


@dataclass(frozen=True)
class SetTimer:
    name: str
    seconds: float


@dataclass(frozen=True)
class CancelTimer:
    name: str


@dataclass(frozen=True)
class Log:
    """What the service writes to the application's message log."""

    text: str


@dataclass(frozen=True)
class CallOver:
    """Every leg has ended."""


Output = (
    Invoke
    | Dial
    | Answer
    | HangUp
    | Play
    | Say
    | StopPlayback
    | ProbeAudio
    | Join
    | OpenRecording
    | PauseRecording
    | ResumeRecording
    | CloseRecording
    | SetTimer
    | CancelTimer
    | Log
    | CallOver
)
