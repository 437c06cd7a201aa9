"""The call's id as the SP sees it: `<n>_<n>_<n>_<yyyyMMddHHmmss>@<host>`, the time in UTC.

The part before `@` is the platform's own call id, so no look-up is needed. The numbers are random: an id does not
reveal the number of calls and cannot be guessed.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from duologue.domain.errors import UnknownCall

_CALL_ID = re.compile(r"[0-9]{1,10}_[0-9]{1,10}_[0-9]{1,10}_[0-9]{14}")


def new_call_id(now: datetime, random_bits: Callable[[int], int]) -> str:
    """An id for a call accepted at `now`: three random 32-bit numbers and the time. At most 47 characters."""
    numbers = "_".join(str(random_bits(32)) for _ in range(3))
    return f"{numbers}_{now.astimezone(UTC):%Y%m%d%H%M%S}"


def session_id(call_id: str, host: str) -> str:
    return f"{call_id}@{host}"


def call_id_of(session: str, host: str) -> str:
    """The call id of a session id.

    Raises:
        UnknownCall: malformed, or another host's.
    """
    call_id, _, named_host = session.partition("@")
    if named_host != host or not _CALL_ID.fullmatch(call_id):
        raise UnknownCall("the session id is not one of this platform")
    return call_id
