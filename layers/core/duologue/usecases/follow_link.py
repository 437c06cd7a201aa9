"""Follow a link to a recording: its token is all the proof there is."""

from duologue.domain.errors import AccountInactive, UnknownApp, UnknownLink
from duologue.domain.recording import URL_GOOD_FOR
from duologue.domain.tokens import hash_token
from duologue.usecases.authenticate import active_app
from duologue.usecases.ports import Accounts, Clock, Links, Recordings


def follow_link(token: str, *, links: Links, accounts: Accounts, recordings: Recordings, clock: Clock) -> str:
    """A URL of the storage, good for `URL_GOOD_FOR`.

    Raises:
        UnknownLink: the token is not one of ours or its time is over, its app or SP was suspended, or the sound was
            deleted with age. Which of them is not said.
    """
    link = links.find(hash_token(token))
    if clock.now() >= link.ends_at:
        raise UnknownLink("its time is over")
    try:
        active_app(link.app, accounts)
    except (UnknownApp, AccountInactive) as error:
        raise UnknownLink("its app is suspended") from error
    if not recordings.holds(link.key):
        raise UnknownLink("the sound is gone")
    return recordings.url(link.key, URL_GOOD_FOR)
