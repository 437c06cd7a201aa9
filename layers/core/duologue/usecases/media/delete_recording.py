"""Delete a recording at once; a file that arrives later is deleted on arrival."""

from dataclasses import dataclass, replace

from duologue.domain.access.accounts import App
from duologue.domain.errors import UnknownCall, UnknownRecording
from duologue.domain.media.recording import Recording, published_key
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.outside import Clock
from duologue.usecases.ports.recordings import Recordings
from duologue.usecases.until_written import Pause, until_written


@dataclass(frozen=True, slots=True)
class DeleteRecording:
    calls: Calls
    recordings: Recordings
    clock: Clock
    pause: Pause

    def __call__(self, call_id: str, app: App) -> None:
        """Delete both files. A repeat succeeds, and deletes what an interrupted attempt left.

        Raises:
            UnknownRecording: the app has no such call, or it was not recorded.
            OutsideUnavailable: it is no longer served, but files may remain; repeat it.
        """
        recording = until_written(lambda: self._mark(call_id, app), self.pause, f"call {call_id}")
        for key in (recording.key, published_key(app.key, call_id)):
            self.recordings.remove(key)

    def _mark(self, call_id: str, app: App) -> Recording:
        try:
            saved = self.calls.load(call_id)
        except UnknownCall as error:
            raise UnknownRecording(call_id) from error
        recording = saved.call.recording
        if saved.call.app != app.key or recording is None:
            raise UnknownRecording(call_id)
        if recording.deleted_at is None:
            gone = replace(saved.call, recording=replace(recording, deleted_at=self.clock.now()))
            self.calls.save(Change(before=saved, after=gone))
        return recording
