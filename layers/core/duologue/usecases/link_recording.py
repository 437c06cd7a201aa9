"""Link a recording: give an SP a token that leads to the sound of one of its calls, for some days."""

from collections.abc import Callable

from duologue.domain.accounts import App
from duologue.domain.errors import UnknownCall, UnknownRecording
from duologue.domain.random_text import random_text
from duologue.domain.recording import LINK_TOKEN_LENGTH, Link
from duologue.domain.tokens import hash_token
from duologue.usecases.find_audio import Retention, find_audio
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.outside import Clock
from duologue.usecases.ports.recordings import Links, Recordings


def link_recording(
    call_id: str,
    app: App,
    *,
    calls: Calls,
    recordings: Recordings,
    links: Links,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
    retention: Retention,
) -> str:
    """The token of a new link to the sound, in the form that the app wants.

    Every request gets a link of its own; earlier ones stay good.

    Raises:
        UnknownRecording: the app has no such call, it was not recorded, or its sound was deleted.
        RecordingNotReady: it was recorded, and the sound has not come yet (R16).
    """
    try:
        call = calls.load(call_id).call
    except UnknownCall as error:
        raise UnknownRecording(call_id) from error
    now = clock.now()
    audio = find_audio(call, app, now, recordings=recordings, retention=retention)
    token = random_text(LINK_TOKEN_LENGTH, random_bytes)
    links.keep(hash_token(token), Link(app.key, audio.key, min(now + retention.link, audio.ends_at)))
    return token
