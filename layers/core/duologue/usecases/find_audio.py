"""Find the audio of a recorded call, in the form that its app wants. Every way to it passes here."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from duologue.domain.call import Call
from duologue.domain.errors import RecordingNotReady, UnknownRecording
from duologue.domain.recording import published_key
from duologue.usecases.ports.recordings import Recordings


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things of a recording stay."""

    audio: timedelta
    """From the start of the recording; its storage deletes it then."""
    link: timedelta


@dataclass(frozen=True, slots=True)
class RecordedAudio:
    """A sound that is there, and the first moment at which nobody may have it any more."""

    key: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class FindAudio:
    recordings: Recordings
    retention: Retention

    def __call__(self, call: Call, app_key: str, now: datetime, *, stereo: bool) -> RecordedAudio:
        """The audio of a call for its own app. `stereo`: the network's own, with the parties apart.

        Raises:
            UnknownRecording: the call is not the app's, was not recorded, or its audio was deleted, by its SP or with
                age.
            RecordingNotReady: it was recorded, and the sound has not come yet (R16).
        """
        recording = call.recording
        if call.app != app_key or recording is None or recording.deleted_at is not None:
            raise UnknownRecording(call.id)
        ends_at = recording.started_at + self._kept(call)
        if now >= ends_at:  # the storage deletes some hours late: at a midnight
            raise UnknownRecording(call.id)
        key = recording.key if stereo else published_key(app_key, call.id)
        if not self.recordings.holds(key):
            raise RecordingNotReady(call.id)
        return RecordedAudio(key, ends_at)

    def _kept(self, call: Call) -> timedelta:
        wanted = timedelta(days=call.keep_recording_days)
        return min(wanted, self.retention.audio) if wanted else self.retention.audio
