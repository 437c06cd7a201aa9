"""The interface between the exchange and a telephone line, in both directions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeVar

from pstn.clocks import Clock, Timer
from pstn.lines.phone_state import Phones
from pstn.messages import Silence

T = TypeVar("T")


@dataclass(frozen=True)
class AudioFile:
    """A prompt. `content`: its WAV file, where a line has audio; `text`: what to speak, if it is not a file."""

    seconds: float
    content: bytes | None = None
    text: str | None = None


AudioLookup = Callable[[str, str], AudioFile | None]
"""(bucket, key) → the prompt stored there; None if it does not exist or cannot be played."""


BucketAccess = Callable[[str, str, str, str], bool]
"""(action, bucket, key, ARN of the SIP media application) → whether the bucket's policy lets the service do this."""


def every_bucket_is_open(_action: str, _bucket: str, _key: str, _application: str) -> bool:
    return True


def two_seconds_of_anything(_bucket: str, _key: str) -> AudioFile:
    """The default of an exchange: every object exists and plays for two seconds."""
    return AudioFile(2.0)


class Line(Protocol):
    """The far ends. A leg is known by its call id from `dial` or `arrived` until `hang_up` or `LineListener.ended`."""

    def dial(
        self, call_id: str, caller_id: str, to: str, sip_headers: Mapping[str, str], beside: str | None = None
    ) -> None:
        """`beside`: the leg of the same call that this one will be joined to; None: it is the first."""

    def picked_up(self, call_id: str) -> None:
        """The service answered an inbound call."""

    def hang_up(self, call_id: str, sip_code: int) -> None: ...
    def play(self, call_id: str, play_id: str, name: str, audio: AudioFile, times: int | None) -> None:
        """`times` None: until stopped."""

    def stop(self, call_id: str, play_id: str) -> None: ...
    def send_digit(self, call_id: str, digit: str, seconds: float) -> None:
        """Send a DTMF tone to this party. `digit`: one of 0-9, *, #, A-D."""

    def join(self, call_id: str, other_id: str) -> None: ...
    def mute(self, call_id: str, muted: bool) -> None:
        """While muted, this leg and its peer do not hear each other."""

    def leave(self, call_id: str) -> None:
        """Let this party hang up now, if it is scripted."""

    def other_rings(self, call_id: str) -> None:
        """The party that this leg is waiting for is being dialled."""

    def record(self, call_id: str, recording_id: str, track: str, silence: Silence | None) -> None:
        """Start recording. `track`: BOTH, INCOMING or OUTGOING, seen from the service.

        `silence`: report `fell_silent` once the party is so.
        """

    def pause_recording(self, call_id: str, recording_id: str, paused: bool) -> None: ...
    def finish_recording(self, call_id: str, recording_id: str) -> None:
        """Also implied by the end of the leg."""

    def recorded(self, recording_id: str) -> BinaryIO | None:
        """The WAV file of a finished recording, open; may wait for it a little. None: this line has no audio."""

    def arrived(self, call_id: str, number: str, to: str, caller_id: str) -> None:
        """Let the phone with this number call the service, which knows the call by this id.

        `caller_id`: what the call carries as From: the number, or any text if it is withheld.
        """

    def call_phone(self, number: str, to: str, caller_id: str) -> int | None:
        """Let the scripted phone with this number call another telephone, without the service.

        Returns the SIP code with which the network refuses it; None: it is being set up.
        """

    def press(self, number: str, digits: str) -> bool:
        """Press keys as a person would. False: that phone is in no call, or is not scripted."""

    def hang_up_by_hand(self, number: str) -> bool:
        """Hang up or decline as a person would. False: there was nothing to hang up."""

    def forget(self, call_id: str) -> None:
        """The call ended long ago: drop what is known of it. Unknown ones are ignored."""

    def close(self) -> None:
        """Release processes and ports; calls that are up are cut off."""


class LineListener(Protocol):
    """The exchange, as a line sees it."""

    def arrives(
        self,
        caller_id: str,
        to_number: str,
        sip_headers: Mapping[str, str],
        *,
        phone: str | None = None,
        via: str | None = None,
    ) -> str | None:
        """An inbound call to one of the account's numbers. Returns the leg's call id; None: no SIP rule matches.

        Args:
            caller_id: what is in From, which is any text if the caller's number is withheld.
            phone: the number of the phone that calls; None: `caller_id`.
            via: the service dialled this number itself, by the leg with this id, and the network leads the call back.
        """

    def takes_calls(self, number: str) -> bool | None:
        """Whether a SIP rule matches calls to a number of the account; None: the account has no such number."""

    def in_turn(self, run: Callable[[], T]) -> T:
        """Run something now, under the exchange's lock, for a thread that needs the result."""

    def rang(self, call_id: str) -> None: ...
    def answered(self, call_id: str) -> None: ...
    def ended(self, call_id: str, sip_code: int) -> None: ...
    def pressed(self, call_id: str, digit: str) -> None: ...
    def playback_finished(self, call_id: str, play_id: str) -> None: ...
    def fell_silent(self, call_id: str, recording_id: str) -> None: ...
    def later(self, seconds: float, run: Callable[[], None]) -> Timer:
        """A timer for the line, run under the exchange's lock like everything else."""

    def note(self, kind: str, number: str, **detail: object) -> None: ...


class MakeLine(Protocol):
    """Makes the line of an exchange."""

    def __call__(
        self, clock: Clock, listener: LineListener, phones: Phones, post_dial_delay: Callable[[], float]
    ) -> Line: ...
