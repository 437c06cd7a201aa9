"""Follow a link to a recording. Its token is the only authentication.

There are two kinds. A requested link has a random token, stored as a hash (`link_recording`). The link in a CDR is sent
before the file exists, and is the same in every repeat; its token is derived from the call and not stored
(`LinkTokens`).

Either gives the audio itself, or the part of it that the request asks for, if that fits into a response; otherwise it
leads to the storage.
"""

from dataclasses import dataclass

from duologue.domain.access.audit import AuditEntry
from duologue.domain.access.tokens import hash_token
from duologue.domain.errors import AccountInactive, UnknownApp, UnknownCall, UnknownLink, UnknownRecording
from duologue.domain.media.byte_range import UNSATISFIABLE, ByteRange, asked_range
from duologue.domain.media.recording_link import (
    MOST_BYTES,
    URL_GOOD_FOR,
    AudioElsewhere,
    AudioFile,
    AudioHasNoSuchPart,
    AudioRequest,
    Owner,
    ServedAudio,
    call_of,
    file_name,
)
from duologue.usecases.media.find_audio import FindAudio
from duologue.usecases.ports.audit import AuditLog
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.outside import Clock
from duologue.usecases.ports.recordings import Links, LinkTokens, Owners, Recordings

FETCHED = "recording.fetch"
"""In the audit. Written before anything is answered."""


@dataclass(frozen=True, slots=True)
class FollowLink:
    links: Links
    owners: Owners
    recordings: Recordings
    clock: Clock
    audit: AuditLog

    def __call__(self, token: str, request: AudioRequest, source: str) -> ServedAudio:
        """The recording of a link. `source`: the address that asks.

        Raises:
            UnknownLink: the token is unknown or expired, the app or SP is suspended, or the audio was deleted; the
                response does not say which.
        """
        link = self.links.find(hash_token(token))
        now = self.clock.now()
        if now >= link.ends_at:
            raise UnknownLink("expired")
        _owner(link.app, self.owners)
        size = self.recordings.size(link.key)
        if size is None:
            raise UnknownLink("the recording was deleted")
        self.audit.add(AuditEntry(now, FETCHED, "requested link", link.app, call_of(link.key), source))
        return _served(link.key, size, request, self.recordings)


@dataclass(frozen=True, slots=True)
class FollowCdrLink:
    calls: Calls
    tokens: LinkTokens
    owners: Owners
    find_audio: FindAudio
    recordings: Recordings
    clock: Clock
    audit: AuditLog

    def __call__(self, call_id: str, token: str, request: AudioRequest, source: str) -> ServedAudio:
        """The same for the link in a CDR, which is valid from the call's end.

        Raises:
            UnknownLink: as above.
            RecordingNotReady: the link is valid, but the file has not arrived yet (R16).
        """
        try:
            call = self.calls.load(call_id).call
        except UnknownCall as error:
            raise UnknownLink("no such call") from error
        if call.recording is None or not self.tokens.proves(token, call.app, call_id):
            raise UnknownLink("the token is not that of a recorded call")
        owner, now = _owner(call.app, self.owners), self.clock.now()
        if call.ended_at is not None and now >= call.ended_at + self.find_audio.retention.link:
            raise UnknownLink("expired")
        try:
            audio = self.find_audio(call, owner.app, now, stereo=owner.stereo)
        except UnknownRecording as error:
            raise UnknownLink("the recording was deleted") from error
        self.audit.add(AuditEntry(now, FETCHED, "link in the CDR", call.app, call_id, source))
        return _served(audio.key, audio.size, request, self.recordings)


def _served(key: str, size: int, request: AudioRequest, recordings: Recordings) -> ServedAudio:
    part = asked_range(request.asked, size)
    if part is UNSATISFIABLE:
        return AudioHasNoSuchPart(size)
    wanted = part or ByteRange(0, size - 1)
    if wanted.length > MOST_BYTES:
        return AudioElsewhere(recordings.url(key, URL_GOOD_FOR, is_head=request.is_head))
    return AudioFile(file_name(key), size, recordings.read(key, wanted) if size else b"", part)


def _owner(app_key: str, owners: Owners) -> Owner:
    try:
        return owners.owner(app_key)
    except (UnknownApp, AccountInactive) as error:
        raise UnknownLink("its app is suspended") from error
