"""An SP's webhook receiver: accepts status events and CDRs, checks their signatures and keeps them in order.

Requests of web pages are refused (pstn/http_guard.py).
"""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from lab.sp.signatures import PushSignatures, named_app
from pstn.feed import tell
from pstn.http_guard import GuardedHandler, LoopbackHttpServer

ACCEPTED = b'{"resultcode":"0","resultdesc":"Success"}'
_LARGEST_BODY = 1024 * 1024


@dataclass(frozen=True)
class Notification:
    """One POST of the platform. `signed`: see `lab.sp.signatures`.

    `other_app`: it names another app than the receiver's, whose secret the receiver does not know.
    """

    at: datetime
    url: str
    body: dict[str, Any]
    signed: bool
    other_app: bool = False

    @property
    def kind(self) -> str:
        return str(self.body["eventType"])

    @property
    def caller(self) -> str | None:
        caller: str | None = self.body.get("statusInfo", {}).get("caller")
        return caller

    @property
    def called(self) -> str | None:
        """The number of the leg that a status event is about."""
        called: str | None = self.body.get("statusInfo", {}).get("called")
        return called

    @property
    def session_ids(self) -> list[str]:
        """Of a test notification for CDRs: none."""
        if "feeLst" in self.body:
            return [record["sessionId"] for record in self.body["feeLst"]]
        return [self.body["statusInfo"]["sessionId"]]


@dataclass
class Receiver:
    """A server on a loopback port of its own, until `close`. `port`: 0, or if it is in use, picks a free one.

    `app_key`, `secret`: of the app whose signatures it checks. `answer(notification)` returns the HTTP status to answer
    with; by default 200.
    """

    app_key: str
    secret: str = field(repr=False)
    answer: Callable[[Notification], int] = lambda notification: 200
    notifications: list[Notification] = field(default_factory=list)
    port: int = 0
    observers: list[Callable[[Notification], None]] = field(default_factory=list)
    """Called with each accepted notification, on its own thread: be quick. What they raise is logged."""

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._signatures = PushSignatures(self.secret)
        self._webhook = Webhook(self.secret.encode())
        try:
            self._server = LoopbackHttpServer(self.port, self._handler())
        except OSError:
            self._server = LoopbackHttpServer(0, self._handler())
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._server.begin("sp-receiver")

    @property
    def status_url(self) -> str:
        return f"{self.url}/status"

    @property
    def fee_url(self) -> str:
        return f"{self.url}/fee"

    def about(self, session_id: str) -> list[Notification]:
        """The notifications of one call, in the order of arrival."""
        return [notification for notification in list(self.notifications) if session_id in notification.session_ids]

    def wait_for(self, session_id: str, kind: str, seconds: float, called: str | None = None) -> bool:
        """Whether such an event of the call arrives in time. `called`: only of the leg to this number."""

        def came() -> bool:
            return any(each.kind == kind and called in (None, each.called) for each in self.about(session_id))

        return self.wait_until(came, seconds)

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether the condition becomes true in time; it is evaluated at each notification."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def wait_for_fee(self, session_id: str, seconds: float) -> bool:
        """Whether the CDR of the call arrives in time."""
        return self.wait_for(session_id, "fee", seconds)

    def close(self) -> None:
        self._server.close()

    def _take(self, path: str, headers: dict[str, str], content: bytes) -> int:
        url = self.url + path
        signed = self._signatures.accept(url, headers) and self._covers(headers, content)
        other_app = named_app(headers) not in ("", self.app_key)
        notification = Notification(datetime.now(UTC), url, json.loads(content), signed, other_app)
        status = self.answer(notification)
        with self._changed:
            if status == 200:
                self.notifications.append(notification)
                tell(self.observers, notification, observer_failed)
            self._changed.notify_all()
        return status

    def _covers(self, headers: dict[str, str], content: bytes) -> bool:
        """Whether the signature of Standard Webhooks is of this body."""
        try:
            self._webhook.verify(content, headers)
        except WebhookVerificationError:
            return False
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(GuardedHandler, BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.content(_LARGEST_BODY)
                if content is None:
                    self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {_LARGEST_BODY} bytes, not chunked.")
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver._take(self.path, headers, content))
                self.send_header("Content-Length", str(len(ACCEPTED)))
                self.end_headers()
                self.wfile.write(ACCEPTED)

            def log_message(self, format: str, *args: object) -> None:
                """Silent: notifications are kept, and the console is for the time line."""

        return Handler


def observer_failed(error: Exception) -> None:
    """Log what an observer of notifications raised."""
    logging.getLogger(__name__).error("An observer of notifications failed", exc_info=error)
