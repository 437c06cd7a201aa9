"""Follow a link to a recording: its token is all the proof there is.

There are two kinds. One that an SP asked for has a random token, of which the hash is kept (`link_recording`). The one
in the CDR is told before there is a sound, and in every repeat alike; its token follows from the call, and is kept
nowhere (`LinkTokens`).
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
        """A URL of the storage, good for `URL_GOOD_FOR`.

        Raises:
            UnknownLink: the token is not one of ours or its time is over, its app or SP was suspended, or the audio
                was deleted. Which of them is not said.
        """
        link = self.links.find(hash_token(token))
        if self.clock.now() >= link.ends_at:
            raise UnknownLink("its time is over")
        _owner(link.app, self.owners)
        if not self.recordings.holds(link.key):
            raise UnknownLink("the sound is gone")
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
        """The same, for the link in the CDR of a call. Its time runs from the call's end, before which nobody has it.

        Raises:
            UnknownLink: as above.
            RecordingNotReady: the link is good, and the sound has not come yet (R16).
        """
        try:
            call = self.calls.load(call_id).call
        except UnknownCall as error:
            raise UnknownLink("no such call") from error
        if call.recording is None or not self.tokens.proves(token, call.app, call_id):
            raise UnknownLink("the token is not that of a recorded call")
        owner, now = _owner(call.app, self.owners), self.clock.now()
        if call.ended_at is not None and now >= call.ended_at + self.find_audio.retention.link:
            raise UnknownLink("its time is over")
        try:
            audio = self.find_audio(call, owner.app, now, stereo=owner.stereo)
        except UnknownRecording as error:
            raise UnknownLink("the sound is gone") from error
        return self.recordings.url(audio.key, URL_GOOD_FOR)


def _owner(app_key: str, owners: Owners) -> Owner:
    try:
        return owners.owner(app_key)
    except (UnknownApp, AccountInactive) as error:
        raise UnknownLink("its app is suspended") from error
