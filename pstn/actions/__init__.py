"""The actions, one class each: how an action is validated, started, and finished or aborted.

`base` says what a running action may do to the call; `TABLE` maps the service's action names to the classes.
"""

from pstn.actions.base import RunningAction
from pstn.actions.bridge import CallAndBridge
from pstn.actions.digits import PlayAudioAndGetDigits, ReceiveDigits, SpeakAndGetDigits
from pstn.actions.hangup import Hangup
from pstn.actions.prompts import Pause, PlayAudio, Speak
from pstn.actions.recording import (
    PauseCallRecording,
    RecordAudio,
    ResumeCallRecording,
    StartCallRecording,
    StopCallRecording,
)
from pstn.actions.send_digits import SendDigits
from pstn.actions.voice_focus import VoiceFocus

TABLE: dict[str, type[RunningAction]] = {
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
        RecordAudio,
        SendDigits,
        VoiceFocus,
    )
}

__all__ = ["TABLE", "RunningAction"]
