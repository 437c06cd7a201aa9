"""Link a recording: give an SP a token that leads to the sound of one of its calls, for some days."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from duologue.domain.accounts import App
from duologue.domain.call import Call
from duologue.domain.errors import RecordingNotReady, UnknownCall, UnknownRecording
from duologue.domain.random_text import random_text
from duologue.domain.recording import LINK_TOKEN_LENGTH, Link, published_key
from duologue.domain.tokens import hash_token
from duologue.usecases.ports import Calls, Clock, Links, Recordings


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things of a recording stay."""

    sound: timedelta
    """From the start of the recording; its storage deletes it then."""
    link: timedelta


def link_recording(
    call_id: str,
    app: App,
    *,
    calls: Calls,
    recordings: Recordings,
    links: Links,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
    keeping: Keeping,
) -> str:
    """The token of a new link to the sound, in the form that the app wants.

    Every request gets a link of its own; earlier ones stay good.

    Raises:
        UnknownRecording: the app has no such call, it was not recorded, or its sound was deleted with age.
        RecordingNotReady: it was recorded, and the sound has not come yet (R16).
    """
    try:
        call = calls.load(call_id).call
    except UnknownCall as error:
        raise UnknownRecording(call_id) from error
    recording, now = call.recording, clock.now()
    if call.app != app.key or recording is None or recording.deleted_at is not None:
        raise UnknownRecording(call_id)
    if now >= recording.started_at + _kept(call, keeping):
        raise UnknownRecording(call_id)
    key = recording.key if app.stereo_recordings else published_key(app.key, call_id)
    if not recordings.holds(key):
        raise RecordingNotReady(call_id)
    token = random_text(LINK_TOKEN_LENGTH, random_bytes)
    links.keep(hash_token(token), Link(app.key, key, now + keeping.link))
    return token


def _kept(call: Call, keeping: Keeping) -> timedelta:
    wanted = timedelta(days=call.keep_recording_days)
    return min(wanted, keeping.sound) if wanted else keeping.sound
