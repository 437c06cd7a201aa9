"""PlayAudio, Speak, Pause: one leg hears audio, or silence, for a while."""

from pstn.actions.base import INVALID, ActionError, RunningAction
from pstn.legs import Leg
from pstn.messages import Play, Say, StopPlayback

TEXT_LIMIT = 1000
"""Characters of Speak's text (speak page)."""


class _Prompt(RunningAction):
    """Its id is that of its playback."""

    def playback_ended(self, play_id: str, error: ActionError | None) -> None:
        if error:
            self.call.failed(error)
        else:
            self.call.done()

    def abort(self) -> None:
        self.call.emit(StopPlayback(self.id))


class PlayAudio(_Prompt):
    interruptible = True

    def start(self) -> None:
        bucket, key = self.audio("AudioSource", "Audio Source")
        times = self.number("Repeat", 1, 1)
        self.terminators = self.digit_set("PlaybackTerminators")
        leg = self.target_leg()
        self.call.emit(Play(self.id, leg.call_id, bucket, key, times, self.peer_to_mute(leg)))

    def digit(self, leg: Leg, digit: str) -> bool:
        if leg is not self.subject or digit not in self.terminators:
            return False
        self.abort()
        self.call.done()
        return True


class Speak(_Prompt):
    speaks = True

    def start(self) -> None:
        text = speech_text(self.parameters)
        leg = self.target_leg()
        seconds = max(0.5, len(text) / self.call.switches.speech_rate)
        self.call.emit(Say(self.id, leg.call_id, text, seconds, self.peer_to_mute(leg)))


class Pause(RunningAction):
    """The only action that leaves an inbound call ringing."""

    interruptible = True

    def start(self) -> None:
        milliseconds = self.number("DurationInMilliseconds", None, 1)
        self.target_leg(answer=False)
        self.set_timer("over", milliseconds / 1000)

    def timer(self, what: str) -> None:
        self.call.done()

    def abort(self) -> None:
        self.cancel_timer("over")


def speech_text(parameters: dict[str, object]) -> str:
    """The text of a Speak or of a SpeechParameters object. Raises: ActionError."""
    text = parameters.get("Text")
    if not isinstance(text, str) or not text:
        raise ActionError("MissingRequiredActionParameter", "Text is a required parameter.")
    if len(text) > TEXT_LIMIT:
        raise ActionError("MissingRequiredActionParameter", "Text is limited to 1,000 characters")
    if parameters.get("Engine", "standard") not in ("standard", "neural"):
        raise ActionError(INVALID, "Engine parameter value is invalid.")
    if parameters.get("TextType", "text") not in ("text", "ssml"):
        raise ActionError(INVALID, "TextType parameter value is invalid.")
    return text
