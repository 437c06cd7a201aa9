"""Follow a link to a recording. Its token is the only authentication.

There are two kinds. A requested link has a random token, stored as a hash (`link_recording`). The link in a CDR is sent
before the file exists, and is the same in every repeat; its token is derived from the call and not stored
(`LinkTokens`).
"""

from dataclasses import dataclass

from duologue.domain.errors import AccountInactive, UnknownApp, UnknownCall, UnknownLink, UnknownRecording
from duologue.domain.recording import URL_GOOD_FOR, Owner
from duologue.domain.tokens import hash_token
from duologue.usecases.find_audio import FindAudio
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.outside import Clock
from duologue.usecases.ports.recordings import Links, LinkTokens, Owners, Recordings


@dataclass(frozen=True, slots=True)
class FollowLink:
    links: Links
    owners: Owners
    recordings: Recordings
    clock: Clock

    def __call__(self, token: str) -> str:
        """A presigned URL, valid for `URL_GOOD_FOR`.

        Raises:
            UnknownLink: the token is unknown or expired, the app or SP is suspended, or the audio was deleted; the
                response does not say which.
        """
        link = self.links.find(hash_token(token))
        if self.clock.now() >= link.ends_at:
            raise UnknownLink("expired")
        _owner(link.app, self.owners)
        if not self.recordings.holds(link.key):
            raise UnknownLink("the recording was deleted")
        return self.recordings.url(link.key, URL_GOOD_FOR)


@dataclass(frozen=True, slots=True)
class FollowCdrLink:
    calls: Calls
    tokens: LinkTokens
    owners: Owners
    find_audio: FindAudio
    recordings: Recordings
    clock: Clock

    def __call__(self, call_id: str, token: str) -> str:
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
        return self.recordings.url(audio.key, URL_GOOD_FOR)


def _owner(app_key: str, owners: Owners) -> Owner:
    try:
        return owners.owner(app_key)
    except (UnknownApp, AccountInactive) as error:
        raise UnknownLink("its app is suspended") from error
