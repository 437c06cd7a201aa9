"""Publish a recording: make the sound that SPs fetch from the one that the network has put down."""

from enum import StrEnum

from duologue.domain.errors import UnknownCall
from duologue.domain.recording import owner_of, published_key
from duologue.usecases.ports import Calls, Publisher


class Published(StrEnum):
    """What became of one file of the network."""

    DONE = "published"
    DELETED = "deleted as its SP wants"
    NOT_OURS = "not the file of a recorded call"


def publish_recording(key: str, *, calls: Calls, publisher: Publisher) -> Published:
    """Publish the file at `key`. A repeat writes the same file again.

    A file that no call accounts for is left alone: nobody can ask for it, and the storage deletes it with age.
    """
    owner = owner_of(key)
    if owner is None:
        return Published.NOT_OURS
    app, call_id = owner
    try:
        call = calls.load(call_id).call
    except UnknownCall:
        return Published.NOT_OURS
    recording = call.recording
    if recording is None or recording.key != key:
        return Published.NOT_OURS
    if recording.deleted_at is not None:
        publisher.remove(key)
        return Published.DELETED
    publisher.publish(key, published_key(app, call_id), call.keep_recording_days)
    return Published.DONE
