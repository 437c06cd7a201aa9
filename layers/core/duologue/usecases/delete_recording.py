"""Delete a recording: from now on nobody fetches it, and a sound that is still on its way is deleted as it comes."""

from dataclasses import replace

from duologue.domain.accounts import App
from duologue.domain.errors import OutsideUnavailable, RaceLost, UnknownCall, UnknownRecording
from duologue.domain.recording import Recording, published_key
from duologue.usecases.ports import Calls, Change, Clock, Recordings

_TRIES = 8


def delete_recording(call_id: str, app: App, *, calls: Calls, recordings: Recordings, clock: Clock) -> None:
    """Delete it in both forms. A repeat is success, and deletes what an interrupted first try left.

    Raises:
        UnknownRecording: the app has no such call, or it was not recorded.
        OutsideUnavailable: it is refused to everybody, but its sound may still lie there; repeat it.
    """
    recording = _mark(call_id, app, calls, clock)
    for key in (recording.key, published_key(app.key, call_id)):
        recordings.remove(key)


def _mark(call_id: str, app: App, calls: Calls, clock: Clock) -> Recording:
    for _ in range(_TRIES):
        try:
            saved = calls.load(call_id)
        except UnknownCall as error:
            raise UnknownRecording(call_id) from error
        recording = saved.call.recording
        if saved.call.app != app.key or recording is None:
            raise UnknownRecording(call_id)
        if recording.deleted_at is not None:
            return recording
        gone = replace(saved.call, recording=replace(recording, deleted_at=clock.now()))
        try:
            calls.save(Change(before=saved, after=gone))
        except RaceLost:
            continue
        return recording
    raise OutsideUnavailable(f"call {call_id}: {_TRIES} races lost in a row")
