"""Find the audio of a recorded call, in the format that its app wants. All access goes through here."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from duologue.domain.calls.call import Call
from duologue.domain.errors import RecordingNotReady, UnknownRecording
from duologue.domain.media.recording import published_key
from duologue.usecases.ports.recordings import Recordings


@dataclass(frozen=True, slots=True)
class Retention:
    """Retention of recordings and links."""

    audio: timedelta
    """From the start of the recording; S3 then deletes it."""
    link: timedelta


@dataclass(frozen=True, slots=True)
class RecordedAudio:
    """An existing file, and the end of its availability."""

    key: str
    size: int
    """In bytes."""
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class FindAudio:
    recordings: Recordings
    retention: Retention

    def __call__(self, call: Call, app_key: str, now: datetime, *, stereo: bool) -> RecordedAudio:
        """The audio of a call for its own app. `stereo`: the network's file, one party per channel.

        Raises:
            UnknownRecording: the call is not the app's, was not recorded, or its audio is gone or never came.
            RecordingNotReady: the file has not arrived yet (R16).
        """
        recording = call.recording
        if call.app != app_key or recording is None or recording.deleted_at is not None:
            raise UnknownRecording(call.id)
        ends_at = recording.started_at + self._kept(call)
        if now >= ends_at:  # S3 deletes up to a day late, at midnight
            raise UnknownRecording(call.id)
        key = recording.key if stereo else published_key(app_key, call.id)
        size = self.recordings.size(key)
        if size is None and recording.missing_at is not None:
            raise UnknownRecording(call.id)
        if size is None:
            raise RecordingNotReady(call.id)
        return RecordedAudio(key, size, ends_at)

    def _kept(self, call: Call) -> timedelta:
        wanted = timedelta(days=call.keep_recording_days)
        return min(wanted, self.retention.audio) if wanted else self.retention.audio
