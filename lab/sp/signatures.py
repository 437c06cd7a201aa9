"""Whether a notification comes from the platform: signed for its URL with the app's secret, recent, and not a replay.

The signature covers URL, nonce and time but not the body, so headers that somebody has seen would fit any body. Hence
the time must be near, and a nonce is accepted once. The platform signs each attempt anew, retries as well.
"""

import base64
import hmac
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(minutes=5)
"""Between the platform's clock and ours."""


def named_app(headers: Mapping[str, str]) -> str:
    """The app key that the signature's header names; empty: none. `headers`: by their names in lower case."""
    return _given(headers).get("Username", "")


def _given(headers: Mapping[str, str]) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', headers.get("x-aksk", "")))


class PushSignatures:
    """The signatures of notifications to one app, which are joined by line feeds. Thread-safe."""

    def __init__(self, secret: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._secret, self._now = secret.encode(), now
        self._lock = threading.Lock()
        self._used: dict[str, datetime] = {}
        """Nonce → when it was accepted, oldest first."""

    def accept(self, url: str, headers: Mapping[str, str]) -> bool:
        """Whether to believe a notification; its nonce is then used up. `headers`: by their names in lower case."""
        given = _given(headers)
        nonce, created = given.get("Nonce", ""), given.get("Created", "")
        mac = hmac.digest(self._secret, "\n".join((url, nonce, created)).encode(), "sha256")
        if not hmac.compare_digest(base64.b64encode(mac), given.get("PasswordDigest", "").encode()):
            return False
        if 'realm="SDP"' not in headers.get("authorization", ""):
            return False
        now = self._now()
        if abs(now - datetime.fromisoformat(created)) > TOLERANCE:
            return False
        with self._lock:
            while self._used and now - next(iter(self._used.values())) > 2 * TOLERANCE:
                del self._used[next(iter(self._used))]
            return self._used.setdefault(nonce, now) is now
