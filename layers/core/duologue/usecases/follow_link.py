"""Follow a link to a recording: its token is all the proof there is.

There are two kinds. One that an SP asked for has a random token, of which the hash is kept (`link_recording`). The one
in the CDR is told before there is a sound, and in every repeat alike; its token follows from the call, and is kept
nowhere (`LinkTokens`).
"""

from duologue.domain.accounts import App
from duologue.domain.errors import AccountInactive, UnknownApp, UnknownCall, UnknownLink, UnknownRecording
from duologue.domain.recording import URL_GOOD_FOR
from duologue.domain.tokens import hash_token
from duologue.usecases.authenticate import active_app
from duologue.usecases.find_audio import Retention, find_audio
from duologue.usecases.ports.accounts import Accounts
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.outside import Clock
from duologue.usecases.ports.recordings import Links, LinkTokens, Recordings


def follow_link(token: str, *, links: Links, accounts: Accounts, recordings: Recordings, clock: Clock) -> str:
    """A URL of the storage, good for `URL_GOOD_FOR`.

    Raises:
        UnknownLink: the token is not one of ours or its time is over, its app or SP was suspended, or the sound was
            deleted. Which of them is not said.
    """
    link = links.find(hash_token(token))
    if clock.now() >= link.ends_at:
        raise UnknownLink("its time is over")
    _active(link.app, accounts)
    if not recordings.holds(link.key):
        raise UnknownLink("the sound is gone")
    return recordings.url(link.key, URL_GOOD_FOR)


def follow_cdr_link(
    call_id: str,
    token: str,
    *,
    calls: Calls,
    tokens: LinkTokens,
    accounts: Accounts,
    recordings: Recordings,
    clock: Clock,
    retention: Retention,
) -> str:
    """The same, for the link in the CDR of a call. Its time runs from the end of the call, before which nobody has it.

    Raises:
        UnknownLink: as above.
        RecordingNotReady: the link is good, and the sound has not come yet (R16).
    """
    try:
        call = calls.load(call_id).call
    except UnknownCall as error:
        raise UnknownLink("no such call") from error
    if call.recording is None or not tokens.proves(token, call.app, call_id):
        raise UnknownLink("the token is not that of a recorded call")
    app, now = _active(call.app, accounts), clock.now()
    if call.ended_at is not None and now >= call.ended_at + retention.link:
        raise UnknownLink("its time is over")
    try:
        audio = find_audio(call, app, now, recordings=recordings, retention=retention)
    except UnknownRecording as error:
        raise UnknownLink("the sound is gone") from error
    return recordings.url(audio.key, URL_GOOD_FOR)


def _active(app_key: str, accounts: Accounts) -> App:
    try:
        return active_app(app_key, accounts)
    except (UnknownApp, AccountInactive) as error:
        raise UnknownLink("its app is suspended") from error
