"""The call's id as the SP sees it: `<n>_<n>_<n>_<yyyyMMddHHmmss>@<host>`, the time in UTC.

The part before `@` is the platform's own call id, so no look-up is needed. The numbers are random: an id does not
reveal the number of calls and cannot be guessed. Those of a call to a display number follow from the network's id of
the call, which is random as well, so that every repeat of its event has the same.
"""

import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

from duologue.domain.errors import UnknownCall

_CALL_ID = re.compile(r"[0-9]{1,10}_[0-9]{1,10}_[0-9]{1,10}_[0-9]{14}")


def new_call_id(now: datetime, random_bits: Callable[[int], int]) -> str:
    """An id for a call accepted at `now`: three random 32-bit numbers and the time. At most 47 characters."""
    numbers = "_".join(str(random_bits(32)) for _ in range(3))
    return f"{numbers}_{now.astimezone(UTC):%Y%m%d%H%M%S}"


def inbound_call_id(network_call: str, started_at: datetime | None) -> str:
    """The id of a call that came in. `started_at`: by the network's clock; None: it does not say."""
    digest = sha256(network_call.encode()).digest()
    numbers = (int.from_bytes(digest[place : place + 4]) for place in itertools.count(0, 4))
    return new_call_id(started_at or datetime.fromtimestamp(0, UTC), lambda _bits: next(numbers))


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
