"""An SP's standing with the platform: logged in, its token refreshed before it ends.

The platform's advice is to refresh with a quarter of the life left. A log-in is for when there is nothing to refresh,
or the platform no longer knows the token; it allows five a minute at most, so a refused one is not repeated here.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from lab.sp.client import Reply, SpClient

TOKEN_CODES = ("1010003", "1010004", "1010005")
"""Result codes on which clients of this wire format log in again."""


class Standing:
    """Any thread may use it."""

    def __init__(self, client: SpClient, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._client, self._now = client, now
        self._changing = threading.Lock()
        self._refresh_at: datetime | None = None

    def ask(self, request: Callable[[SpClient], Reply]) -> Reply:
        """The answer to a request made with a good token; the refusal of the log-in if there is none to be had.

        Raises:
            OSError: the platform cannot be reached, or fell silent.
        """
        refused = self._be_ready()
        if refused is not None:
            return refused
        token = self._client.access_token
        reply = request(self._client)
        if reply.code in TOKEN_CODES:
            refused = self._log_in_instead_of(token)
            return refused or request(self._client)
        return reply

    def _be_ready(self) -> Reply | None:
        with self._changing:
            if self._refresh_at is None:
                return self._kept(self._client.log_in())
            if self._now() < self._refresh_at:
                return None
            return self._kept(self._client.refresh()) and self._kept(self._client.log_in())

    def _log_in_instead_of(self, token: str) -> Reply | None:
        """Another thread may have done it already."""
        with self._changing:
            return self._kept(self._client.log_in()) if self._client.access_token == token else None

    def _kept(self, reply: Reply) -> Reply | None:
        if reply.code != "0":
            return reply
        life = timedelta(seconds=int(reply.body["expires_in"]))
        self._refresh_at = self._now() + life * 3 / 4
        return None
