"""The actions, one class each: how one is checked at its turn, started, and finished or cut.

`base` says what a performance may do to the call; `TABLE` maps the service's action names to the classes.
"""

from pstn.acts.base import Performance
from pstn.acts.bridge import CallAndBridge
from pstn.acts.digits import PlayAudioAndGetDigits, ReceiveDigits, SpeakAndGetDigits
from pstn.acts.hangup import Hangup
from pstn.acts.prompts import Pause, PlayAudio, Speak
from pstn.acts.recording import (
    PauseCallRecording,
    ResumeCallRecording,
    StartCallRecording,
    StopCallRecording,
)

TABLE: dict[str, type[Performance]] = {
    each.__name__: each
    for each in (
        CallAndBridge,
        Hangup,
        PlayAudio,
        PlayAudioAndGetDigits,
        Speak,
        SpeakAndGetDigits,
        Pause,
        ReceiveDigits,
        StartCallRecording,
        StopCallRecording,
        PauseCallRecording,
        ResumeCallRecording,
    )
}

__all__ = ["TABLE", "Performance"]
