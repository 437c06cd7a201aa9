"""Create a link to the recording of a call, valid for some days."""

from collections.abc import Callable
from dataclasses import dataclass

from duologue.domain.access.accounts import App
from duologue.domain.access.random_text import random_text
from duologue.domain.access.tokens import hash_token
from duologue.domain.errors import UnknownCall, UnknownRecording
from duologue.domain.media.recording_link import LINK_TOKEN_LENGTH, Link
from duologue.usecases.media.find_audio import FindAudio
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.outside import Clock
from duologue.usecases.ports.recordings import Links


@dataclass(frozen=True, slots=True)
class LinkRecording:
    calls: Calls
    find_audio: FindAudio
    links: Links
    clock: Clock
    random_bytes: Callable[[int], bytes]

    def __call__(self, call_id: str, app: App) -> str:
        """The token of a new link to the recording, in the format that the app wants. Earlier links stay valid.

        Raises:
            UnknownRecording: the app has no such call, it was not recorded, or the recording was deleted.
            RecordingNotReady: the file has not arrived yet (R16).
        """
        try:
            call = self.calls.load(call_id).call
        except UnknownCall as error:
            raise UnknownRecording(call_id) from error
        now = self.clock.now()
        audio = self.find_audio(call, app.key, now, stereo=app.stereo_recordings)
        token = random_text(LINK_TOKEN_LENGTH, self.random_bytes)
        ends_at = min(now + self.find_audio.retention.link, audio.ends_at)
        self.links.keep(hash_token(token), Link(app.key, audio.key, ends_at))
        return token
