"""What the exchange asks of a telephone line, and what a line tells it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pstn.clocks import Clock, Timer
from pstn.lines.phones import Phones


@dataclass(frozen=True)
class AudioFile:
    """A prompt. `content`: its WAV bytes, if anything plays them; `text`: what to speak, if it is no file."""

    seconds: float
    content: bytes | None = None
    text: str | None = None


AudioLookup = Callable[[str, str], AudioFile | None]
"""(bucket, key) → the prompt there; None if it does not exist or cannot be played."""


def two_seconds_of_anything(_bucket: str, _key: str) -> AudioFile:
    """The audio of an exchange that was given none: every object exists."""
    return AudioFile(2.0)


class Line(Protocol):
    """The far ends. A leg is named by its call id from `dial` or `arrived` until `hang_up` or `LineListener.ended`."""

    def dial(self, call_id: str, shown: str, to: str, sip_headers: Mapping[str, str]) -> None: ...
    def picked_up(self, call_id: str) -> None:
        """The service answered a call that came from outside."""

    def hang_up(self, call_id: str, sip_code: int) -> None: ...
    def play(self, call_id: str, play_id: str, name: str, audio: AudioFile, times: int | None) -> None:
        """`times` None: until stopped."""

    def stop(self, call_id: str, play_id: str) -> None: ...
    def join(self, call_id: str, other_id: str) -> None: ...
    def mute(self, call_id: str, muted: bool) -> None:
        """This leg and its peer hear nothing of one another while muted."""

    def leave(self, call_id: str) -> None:
        """This party hangs up by itself now, if anything but a person decides that."""

    def other_rings(self, call_id: str) -> None:
        """The party that this leg waits for is being dialled."""

    def record(self, call_id: str, track: str) -> None:
        """Once per leg; `track`: BOTH, INCOMING or OUTGOING, seen from the service."""

    def pause_recording(self, call_id: str, paused: bool) -> None: ...
    def finish_recording(self, call_id: str) -> None:
        """At the latest the end of the leg does that too."""

    def recorded(self, call_id: str) -> bytes | None:
        """The WAV file of a finished recording; may wait for it a little. None: this line has no sound."""

    def arrived(self, call_id: str, number: str, to: str) -> None:
        """Let the phone of this number call the service, which knows the call by this id."""

    def press(self, number: str, digits: str) -> bool:
        """By hand. False: that phone is in no call, or is not the lab's to move."""

    def hang_up_by_hand(self, number: str) -> bool:
        """Hang up, or decline what rings. False: there was nothing to hang up."""

    def close(self) -> None:
        """Let go of processes and ports; whatever is up is cut."""


class LineListener(Protocol):
    """The exchange, as a line sees it."""

    def arrives(self, from_number: str, to_number: str, sip_headers: Mapping[str, str]) -> str | None:
        """Somebody calls one of the account's numbers: the leg's call id. None: no rule wants the call."""

    def rang(self, call_id: str) -> None: ...
    def answered(self, call_id: str) -> None: ...
    def ended(self, call_id: str, sip_code: int) -> None: ...
    def pressed(self, call_id: str, digit: str) -> None: ...
    def playback_finished(self, call_id: str, play_id: str) -> None: ...
    def later(self, seconds: float, run: Callable[[], None]) -> Timer:
        """A timer of the line's own, in turn with everything else."""

    def note(self, kind: str, number: str, **detail: object) -> None: ...


class MakeLine(Protocol):
    """What an exchange is given to make its line with."""

    def __call__(
        self, clock: Clock, listener: LineListener, phones: Phones, post_dial_delay: Callable[[], float]
    ) -> Line: ...
