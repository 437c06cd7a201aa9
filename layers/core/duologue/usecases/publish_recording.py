"""Publish a recording: convert the network's file into the one that SPs fetch."""

from enum import StrEnum

from duologue.domain.call import Call
from duologue.domain.errors import UnknownCall
from duologue.domain.recording import owner_of, published_key
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.recordings import Publisher


class Published(StrEnum):
    """The result for one file of the network."""

    DONE = "published"
    DELETED = "deleted as its SP wants"
    NOT_OURS = "not the file of a recorded call"


def publish_recording(key: str, *, calls: Calls, publisher: Publisher) -> Published:
    """Publish the file at `key`. A repeat writes the same file again. If the SP deletes it meanwhile, it stays deleted.

    A file without a call is ignored: nobody can request it, and its lifecycle rule deletes it.
    """
    owner = owner_of(key)
    if owner is None:
        return Published.NOT_OURS
    app, call_id = owner
    try:
        call = calls.load(call_id).call
    except UnknownCall:
        return Published.NOT_OURS
    if call.recording is None or call.recording.key != key:
        return Published.NOT_OURS
    made = published_key(app, call_id)
    if not _is_deleted(call):
        publisher.publish(key, made, call.keep_recording_days)
        call = calls.load(call_id).call  # the SP may have deleted it during the conversion
    if not _is_deleted(call):
        return Published.DONE
    for each in (key, made):
        publisher.remove(each)
    return Published.DELETED


def _is_deleted(call: Call) -> bool:
    return call.recording is not None and call.recording.deleted_at is not None
