"""PlayAudio, Speak, Pause: one leg hears something, or nothing, for a while."""

from pstn.acts.base import INVALID, Fault, Performance
from pstn.legs import Leg
from pstn.messages import Play, Say, StopPlayback

TEXT_LIMIT = 1000
"""Characters of Speak's text (speak page)."""


class PlayAudio(Performance):
    interruptible = True

    def begin(self) -> None:
        bucket, key = self.audio("AudioSource", "Audio Source")
        times = self.number("Repeat", 1, 1)
        self.terminators = self.digit_set("PlaybackTerminators")
        leg = self.addressed_leg()
        self.stage.put(Play(self.id, leg.call_id, bucket, key, times, self.muted_peer(leg)))

    def digit(self, leg: Leg, digit: str) -> bool:
        if leg is not self.subject or digit not in self.terminators:
            return False
        self.cut()
        self.stage.done()
        return True

    def playback(self, play_id: str, fault: Fault | None) -> None:
        if fault:
            self.stage.failed(fault)
        else:
            self.stage.done()

    def cut(self) -> None:
        self.stage.put(StopPlayback(self.id))


class Speak(Performance):
    requires_call_id = True

    def begin(self) -> None:
        text = speech_text(self.parameters)
        leg = self.addressed_leg()
        seconds = max(0.5, len(text) / self.stage.switches.speech_rate)
        self.stage.put(Say(self.id, leg.call_id, text, seconds, self.muted_peer(leg)))

    def playback(self, play_id: str, fault: Fault | None) -> None:
        if fault:
            self.stage.failed(fault)
        else:
            self.stage.done()

    def cut(self) -> None:
        self.stage.put(StopPlayback(self.id))


class Pause(Performance):
    """The one action that leaves an inbound call ringing."""

    interruptible = True

    def begin(self) -> None:
        milliseconds = self.number("DurationInMilliseconds", None, 1)
        self.addressed_leg(answer=False)
        self.set_timer("over", milliseconds / 1000)

    def timer(self, what: str) -> None:
        self.stage.done()

    def cut(self) -> None:
        self.cancel_timer("over")


def speech_text(parameters: dict[str, object]) -> str:
    """The text of a Speak or of a SpeechParameters object. Raises: Fault."""
    text = parameters.get("Text")
    if not isinstance(text, str) or not text:
        raise Fault("MissingRequiredActionParameter", "Text is a required parameter.")
    if len(text) > TEXT_LIMIT:
        raise Fault("MissingRequiredActionParameter", "Text is limited to 1,000 characters")
    if parameters.get("Engine", "standard") not in ("standard", "neural"):
        raise Fault(INVALID, "Engine parameter value is invalid.")
    if parameters.get("TextType", "text") not in ("text", "ssml"):
        raise Fault(INVALID, "TextType parameter value is invalid.")
    return text
