"""Drives one call: turns its engine's outputs into dials, prompts, timers and invocations, and their results into
inputs.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from pstn.call import Call
from pstn.clocks import Clock, Timer
from pstn.engine import CallEngine
from pstn.legs import Tag
from pstn.lines import AudioFile, AudioLookup, BucketAccess, Line
from pstn.messages import (
    Answer,
    AudioProbed,
    CallOver,
    CancelTimer,
    CloseRecording,
    Dial,
    DialRefused,
    DigitPressed,
    HangUp,
    Input,
    Invoke,
    Join,
    LegAnswered,
    LegEnded,
    LegRinging,
    Log,
    OpenRecording,
    Output,
    PauseRecording,
    Play,
    PlaybackFailed,
    ProbeAudio,
    RecordingOpened,
    RecordingStored,
    RecordVoice,
    ResumeRecording,
    Say,
    SendDigit,
    SetTimer,
    Silence,
    StopPlayback,
    StoreVoice,
    TimerFired,
)
from pstn.recordings import Recording, RecordingStore

T = TypeVar("T")
TO_WRITE = ("s3:PutObject", "s3:PutObjectAcl")
"""What the service does with a recording (start-call-recording page)."""

TOO_MANY_HOPS = 483
"""RFC 3261 §21.4.21."""


class Network(Protocol):
    """What a driver needs of the exchange."""

    clock: Clock
    audio: AudioLookup
    recordings: RecordingStore
    access: BucketAccess

    @property
    def line(self) -> Line: ...

    def later(self, seconds: float, run: Callable[[], None]) -> Timer: ...
    def ask(self, question: Callable[[], T], then: Callable[[T | None], None]) -> None: ...
    def deliver(self, driver: "Driver", invoke: Invoke) -> None: ...
    def connect(self, call_id: str, driver: "Driver") -> None: ...
    def bridge_refused(self) -> str | None: ...
    def takes_calls(self, number: str) -> bool | None: ...
    def store(self, recording: Recording) -> None:
        """Write its object; runs in the background. Raises: any exception."""

    def say(self, kind: str, driver: "Driver", **detail: Any) -> None: ...


class Driver:
    """`lambda_arn` is fixed when the call begins: a later change of the application does not affect the call.

    `loops`: how often a call of the service came back in to the service before this one began.
    """

    def __init__(self, network: Network, engine: CallEngine, lambda_arn: str, loops: int = 0) -> None:
        self.network = network
        self.engine = engine
        self.lambda_arn = lambda_arn
        self.loops = loops
        self.timers: dict[str, Timer] = {}
        self.playing: dict[str, tuple[str, str | None]] = {}
        self.recordings: dict[str, Recording] = {}
        self.unstored = 0
        """Recordings that have ended and are not stored yet."""

    @property
    def call(self) -> Call:
        return self.engine.call

    @property
    def id(self) -> str:
        return self.call.identity.transaction_id

    @property
    def legs_counted(self) -> int:
        """Legs that the active-call quota counts: those that ring or are up."""
        return 0 if self.call.over else sum(not leg.ended for leg in self.call.legs)

    @property
    def settled(self) -> bool:
        """Over, with every answer received and every recording stored."""
        return self.call.over and not self.unstored and not self.call.invocations.awaited

    def feed(self, message: Input) -> None:
        for output in self.engine.handle(self.network.clock.now(), message):
            self._carry_out(output)

    def from_line(self, call_id: str, message: LegRinging | LegAnswered | LegEnded | DigitPressed) -> None:
        if isinstance(message, LegAnswered | LegEnded):
            self._cancel(f"ring:{call_id}")
        self.feed(message)

    def feed_soon(self, message: Input, seconds: float = 0.0) -> Timer:
        return self.network.later(seconds, lambda: self.feed(message))

    def playback_over(self, play_id: str) -> None:
        """It finished or was stopped: unmute the legs that it had muted."""
        leg, muted = self.playing.pop(play_id, (None, None))
        if leg and muted:
            self.network.line.mute(leg, False)
            self.network.line.mute(muted, False)

    def _carry_out(self, output: Output) -> None:
        line = self.network.line
        match output:
            case Invoke():
                self.network.deliver(self, output)
            case Dial():
                self._dial(output)
            case Answer(call_id):
                line.picked_up(call_id)
            case HangUp(call_id, sip_code):
                self._cancel(f"ring:{call_id}")
                line.hang_up(call_id, sip_code)
            case Play() | Say():
                self._play(output)
            case StopPlayback(play_id):
                leg, _ = self.playing.get(play_id, (None, None))
                self.playback_over(play_id)
                if leg:
                    line.stop(leg, play_id)
            case ProbeAudio(probe_id, bucket, key):
                self.network.ask(
                    lambda: self._audio(bucket, key),
                    lambda found: self.feed(AudioProbed(probe_id, found is not None)),
                )
            case SendDigit(call_id, digit, seconds):
                line.send_digit(call_id, digit, seconds)
            case Join(call_id, other_id):
                line.join(call_id, other_id)
            case SetTimer(name, seconds):
                self._cancel(name)
                self.timers[name] = self.feed_soon(TimerFired(name), seconds)
            case CancelTimer(name):
                self._cancel(name)
            case Log(text):
                self.network.say("log", self, text=text)
            case CallOver():
                self.network.say("over", self)
            case _:
                self._record(output)

    def _dial(self, dial: Dial) -> None:
        self.network.connect(dial.call_id, self)
        second = dial.tag == Tag.B.value
        refusal = self.network.bridge_refused() if second else None
        if refusal:
            self.feed_soon(DialRefused(dial.call_id, refusal))
            return
        if self.loops >= self.call.switches.most_loops and self.network.takes_calls(dial.to):
            self.feed_soon(LegEnded(dial.call_id, TOO_MANY_HOPS))
            return
        first = self.call.leg(Tag.A) if second else None
        beside = first.call_id if first else None
        self.network.line.dial(dial.call_id, dial.caller_id, dial.to, dial.sip_headers, beside)
        if first:
            self.network.line.other_rings(first.call_id)
        if dial.ring_limit is not None:
            code = self.call.switches.sip_code_of_no_answer
            give_up = self.network.later(dial.ring_limit, lambda: self._unanswered(dial.call_id, code))
            self.timers[f"ring:{dial.call_id}"] = give_up

    def _unanswered(self, call_id: str, sip_code: int) -> None:
        if any(leg.call_id == call_id and not leg.up and not leg.ended for leg in self.call.legs):
            self.network.line.hang_up(call_id, sip_code)
            self.feed(LegEnded(call_id, sip_code))

    def _play(self, output: Play | Say) -> None:
        self.playing[output.play_id] = output.call_id, output.mutes

        def start(audio: AudioFile | None) -> None:
            if output.play_id not in self.playing:
                return
            if audio is None:
                self.playing.pop(output.play_id)
                self.feed(PlaybackFailed(output.play_id))
                return
            if output.mutes:
                self.network.line.mute(output.call_id, True)
                self.network.line.mute(output.mutes, True)
            name, times = (output.key, output.times) if isinstance(output, Play) else (output.text, 1)
            self.network.line.play(output.call_id, output.play_id, name, audio, times)

        if isinstance(output, Say):
            start(AudioFile(output.seconds, text=output.text))
        else:
            bucket, key = output.bucket, output.key
            self.network.ask(lambda: self._audio(bucket, key), start)

    def _audio(self, bucket: str, key: str) -> AudioFile | None:
        """Runs in the background."""
        return self.network.audio(bucket, key) if self.may(bucket, key, "s3:GetObject") else None

    def may(self, bucket: str, key: str, *actions: str) -> bool:
        """Whether the bucket's policy allows the call's application all of these. Runs in the background."""
        application = self.call.identity.application_arn
        return all(self.network.access(action, bucket, key, application) for action in actions)

    def _record(self, output: Output) -> None:
        now = self.network.clock.now()
        match output:
            case OpenRecording(recording_id, call_id, track, bucket, key):
                recording = Recording(recording_id, call_id, self.id, track, bucket, key, now)

                def opened(accessible: bool | None) -> None:
                    if accessible:
                        recording.opened_at = self.network.clock.now()
                        self._begin(recording)
                    self.feed(RecordingOpened(recording_id, bool(accessible)))

                self.network.ask(
                    lambda: self.network.recordings.accessible(bucket) and self.may(bucket, key, *TO_WRITE), opened
                )
            case RecordVoice(recording_id, call_id, bucket, key, silence):
                self._begin(Recording(recording_id, call_id, self.id, "INCOMING", bucket, key, now), silence)
            case PauseRecording(recording_id):
                self.recordings[recording_id].pause(now)
                self.network.line.pause_recording(self.recordings[recording_id].call_id, recording_id, True)
            case ResumeRecording(recording_id):
                self.recordings[recording_id].resume(now)
                self.network.line.pause_recording(self.recordings[recording_id].call_id, recording_id, False)
            case CloseRecording(recording_id):
                self._finish(recording_id, self.call.switches.recording_delay, lambda stored: None)
            case StoreVoice(recording_id):
                self._finish(recording_id, 0.0, lambda stored: self.feed(RecordingStored(recording_id, bool(stored))))
            case _:
                raise AssertionError(f"no handler for the output {output}")

    def _begin(self, recording: Recording, silence: Silence | None = None) -> None:
        self.recordings[recording.id] = recording
        self.network.line.record(recording.call_id, recording.id, recording.track, silence)

    def _finish(self, recording_id: str, delay: float, then: Callable[[bool | None], None]) -> None:
        """Store it after the delay; `then` gets True if that succeeded."""
        recording = self.recordings.pop(recording_id)
        recording.close(self.network.clock.now())
        self.network.line.finish_recording(recording.call_id, recording_id)

        def store() -> bool:
            if not self.may(recording.bucket, recording.key, *TO_WRITE):
                raise PermissionError(
                    f"The policy of {recording.bucket} does not let the service write {recording.key}"
                )
            self.network.store(recording)
            return True

        def stored(answer: bool | None) -> None:
            self.unstored -= 1
            then(answer)

        self.unstored += 1
        self.network.later(delay, lambda: self.network.ask(store, stored))

    def _cancel(self, name: str) -> None:
        timer = self.timers.pop(name, None)
        if timer:
            timer.cancel()
