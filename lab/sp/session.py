"""An SP's session with the platform: it stays logged in, and refreshes its token before it expires.

The platform recommends a refresh when a quarter of the lifetime is left. It logs in only if there is nothing to
refresh, or the platform no longer knows the token. The platform allows five log-ins a minute, so a refused one is not
retried.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from lab.sp.client import Reply, SpClient

TOKEN_CODES = ("1010003", "1010004", "1010005")
"""Result codes after which clients of this API log in again."""


class SpSession:
    """Thread-safe."""

    def __init__(self, client: SpClient, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._client, self._now = client, now
        self._changing = threading.Lock()
        self._refresh_at: datetime | None = None

    def send(self, request: Callable[[SpClient], Reply]) -> Reply:
        """The response to a request made with a valid token; or the refusal of the log-in.

        Raises:
            OSError: the platform cannot be reached, or does not respond.
        """
        refused = self._ensure_token()
        if refused is not None:
            return refused
        token = self._client.access_token
        reply = request(self._client)
        if reply.code in TOKEN_CODES:
            refused = self._replace_token(token)
            return refused or request(self._client)
        return reply

    def _ensure_token(self) -> Reply | None:
        with self._changing:
            if self._refresh_at is None:
                return self._refusal(self._client.log_in())
            if self._now() < self._refresh_at:
                return None
            return self._refusal(self._client.refresh()) and self._refusal(self._client.log_in())

    def _replace_token(self, token: str) -> Reply | None:
        """Log in, unless another thread has already replaced this token."""
        with self._changing:
            return self._refusal(self._client.log_in()) if self._client.access_token == token else None

    def _refusal(self, reply: Reply) -> Reply | None:
        """The reply if it refuses; None: there is a new token, whose lifetime begins now."""
        if reply.code != "0":
            return reply
        lifetime = timedelta(seconds=int(reply.body["expires_in"]))
        self._refresh_at = self._now() + lifetime * 3 / 4
        return None
