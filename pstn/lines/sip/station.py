"""The parent's side of a process that carries the legs of calls: its commands, its events, and what ends with it.

Nothing here knows of scripts or of phones: the lines of a laboratory and of real trunks are both made of stations.

Rule 1: everything but `begin`, `wait`, `close` and `kill` is called under the exchange's lock; so are the callbacks.
Rule 2: a leg that was sent to a child that died is reported as lost, once; what is sent later goes to the next child.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pstn.lines import AudioFile
from pstn.lines.sip.child import Child
from pstn.lines.sip.prompt_files import PromptFiles
from pstn.lines.sip.recording_files import RecordingFiles
from pstn.messages import Silence

MODULE = "pstn.lines.sip"


class Station:
    """`python -m pstn.lines.sip`, one process.

    Args:
        options: called with the SIP port for each child; returns `endpoint.Options`.
        work: folder of the line, for the recordings and the log of the child.
        prompts: those of the line.
        soon: schedules a callback under the exchange's lock.
        happened: called with each event; `leg` in it is the call id.
        lost: called with the call id of each leg that a child took with it.
    """

    def __init__(
        self,
        options: Callable[[int], dict[str, Any]],
        work: Path,
        prompts: PromptFiles,
        soon: Callable[[Callable[[], None]], object],
        happened: Callable[["Station", dict[str, Any]], None],
        lost: Callable[[str], None],
        *,
        name: str = "network",
        port: int = 0,
    ) -> None:
        self.name = name
        self.stats: dict[str, Any] = {}
        """The latest report: CPU seconds, ticks, and how many of them were late."""
        self._prompts, self.recordings = prompts, RecordingFiles(work)
        self._soon, self._happened, self._lost = soon, happened, lost
        self._legs: dict[str, str] = {}
        self._call_ids: dict[str, str] = {}
        self._sent: dict[str, int] = {}
        self.child = Child(MODULE, options, self._heard, self._died, work / f"{name}.log", port=port)

    @property
    def port(self) -> int:
        """Of its SIP socket on loopback."""
        return self.child.port

    @property
    def pid(self) -> int | None:
        return self.child.pid

    @property
    def legs(self) -> int:
        """Legs that are ringing or up."""
        return len(self._sent)

    def begin(self) -> None:
        self.child.begin()

    def wait(self) -> None:
        """Raises: ChildError."""
        self.child.wait()

    def close(self) -> None:
        self.child.close()

    def kill(self) -> None:
        """As a crash would."""
        self.child.kill()

    # -- legs
    def dial(self, call_id: str, **dial: Any) -> None:
        """`dial`: the arguments of `endpoint.SipEndpoint.do_dial`. A leg whose dial failed may be dialled again."""
        self._sent[call_id] = self.send(call_id, "dial", **dial)

    def expect(self, call_id: str) -> None:
        """A call with this id in `endpoint.LEG_HEADER` will come in."""
        self._sent[call_id] = self.send(call_id, "expect")

    def arrived(self, call_id: str, leg: str) -> None:
        """The exchange knows the incoming call `leg` by this id."""
        self._legs[call_id], self._call_ids[leg] = leg, call_id
        self._sent[call_id] = self.child.generation

    def refuse(self, leg: str, sip_code: int = 0) -> None:
        """End an incoming call that the exchange does not take. Only a trunk gets the code; 0: the library's, 486."""
        self.child.send(do="forget", leg=leg, code=sip_code)

    def answer(self, call_id: str) -> None:
        self.send(call_id, "answer")

    def hang_up(self, call_id: str, sip_code: int = 0) -> None:
        """`sip_code`: as in `refuse`, for a call that came in and is not answered."""
        self.send(call_id, "forget", code=sip_code)

    def watch(self, call_id: str, silence_s: float) -> None:
        """End the leg after so many seconds without audio."""
        self.send(call_id, "watch", silence_s=silence_s)

    def play(self, call_id: str, play_id: str, audio: AudioFile, times: int | None, wanted: Callable[[], bool]) -> None:
        """Once the prompt has been converted, if it is still `wanted` then."""

        def start(file: Path) -> None:
            if wanted():
                self.send(call_id, "play", play=play_id, sound=str(file), times=times)

        self._prompts.get(audio, start)

    def stop(self, call_id: str, play_id: str) -> None:
        self.send(call_id, "stop", play=play_id)

    def press(self, call_id: str, digit: str) -> None:
        self.send(call_id, "press", digits=digit)

    def join(self, call_id: str, other_id: str) -> None:
        """Both legs must be in this station."""
        self.send(call_id, "join", other=self.leg(other_id))

    def mute(self, call_id: str, muted: bool) -> None:
        self.send(call_id, "mute", muted=muted)

    def record(self, call_id: str, recording_id: str, track: str, silence: Silence | None) -> None:
        file = self.recordings.begin(recording_id, track)
        watched = [silence.seconds, silence.threshold] if silence else None
        self.send(call_id, "record", recording=recording_id, path=str(file), track=track, silence=watched)

    def pause_recording(self, call_id: str, recording_id: str, paused: bool) -> None:
        self.send(call_id, "pause", recording=recording_id, paused=paused)

    def finish_recording(self, call_id: str, recording_id: str) -> None:
        self.send(call_id, "finish", recording=recording_id)

    def over(self, call_id: str) -> None:
        """The leg has ended, so it is not lost with the child."""
        self._sent.pop(call_id, None)

    def forget(self, call_id: str) -> None:
        self._call_ids.pop(self._legs.pop(call_id, call_id), None)

    def leg(self, call_id: str) -> str:
        """By which the child knows this call."""
        return self._legs.get(call_id, call_id)

    def call_id(self, leg: str) -> str:
        return self._call_ids.get(leg, leg)

    def send(self, call_id: str, do: str, **more: Any) -> int:
        """One command about a leg. Returns the generation of the child that gets it."""
        return self.child.send(do=do, leg=self.leg(call_id), **more)

    # -- on the threads of the child
    def _heard(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "stats":
                self.stats = event
            case "recorded":
                self.recordings.closed(event["recording"])
            case _:
                self._soon(lambda: self._happened(self, event | {"leg": self.call_id(event.get("leg", ""))}))

    def _died(self, generation: int) -> None:
        self.recordings.all_closed()

        def end_all() -> None:
            for call_id, sent in list(self._sent.items()):
                if sent <= generation:
                    self._lost(call_id)
                    self.over(call_id)

        self._soon(end_all)
