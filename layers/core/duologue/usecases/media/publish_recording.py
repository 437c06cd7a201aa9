"""Publish a recording: convert the network's file into the one that SPs fetch."""

from enum import StrEnum

from duologue.domain.calls.call import Call
from duologue.domain.errors import UnknownCall
from duologue.domain.media.recording import owner_of, published_key
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.recordings import Publisher


class Published(StrEnum):
    """The result for one file of the network."""

    DONE = "published"
    DELETED = "deleted as its SP or the operator wants"
    NOT_OURS = "not the file of a recorded call"


def publish_recording(key: str, *, calls: Calls, publisher: Publisher) -> Published:
    """Publish the file at `key`. A repeat writes the same file again. If the SP deletes it meanwhile, it stays deleted.

    The file of a call that is not stored is deleted: the call was erased before the file came.
    """
    owner = owner_of(key)
    if owner is None:
        return Published.NOT_OURS
    app, call_id = owner
    call, made = _stored(call_id, calls), published_key(app, call_id)
    if call is not None and (call.recording is None or call.recording.key != key):
        return Published.NOT_OURS
    if call is not None and not _is_deleted(call):
        publisher.publish(key, made, call.keep_recording_days)
        call = _stored(call_id, calls)  # it may have been deleted during the conversion
    if call is not None and not _is_deleted(call):
        return Published.DONE
    for each in (key, made):
        publisher.remove(each)
    return Published.DELETED


def _stored(call_id: str, calls: Calls) -> Call | None:
    """None: it was erased."""
    try:
        return calls.load(call_id).call
    except UnknownCall:
        return None


def _is_deleted(call: Call) -> bool:
    return call.recording is not None and call.recording.deleted_at is not None
