"""Which requests the console answers: those of its own pages and of programs on this machine, not of other web pages.

Every page that the operator's browser has open can send requests to 127.0.0.1, and the console acts with the operator's
own rights. The rules, before every route and every method:

1. Host is one of 127.0.0.1, localhost and [::1] with the console's port. A foreign name that leads here (DNS rebinding)
   is refused.
2. Origin, if sent, is that of the console.
3. Sec-Fetch-Site, if sent, is `none` or `same-origin`; or a link of another site is opened as a page of its own.
4. A request that changes something has the token of this run, which only its own pages know, in a form field or a
   header. It also protects against another program of the machine that serves pages on another port, whose requests
   have the site in common.

Every answer but a refusal has the headers that keep a page from running or loading anything but the console's own
files, and from being framed, cached or opened by another site. No answer allows another site to read it.
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import hmac
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_FIELD, TOKEN_HEADER = "token", "x-console-token"
_NAMES = ("127.0.0.1", "localhost", "[::1]")
_READS = {"GET", "HEAD"}
_LARGEST_FORM = 16 * 1024
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        """`port`: the console's. `token`: of this run."""
        self._app = app
        self._hosts = {f"{name}:{port}" for name in _NAMES}
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close"})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        reason = self._refusal(scope["method"], headers)
        if reason is None and scope["method"] not in _READS:
            body = await _body_of(receive)
            if body is None:
                reason = "Refused: the form is too long."
            elif not self._is_ours(headers, body):
                reason = "Refused by the token rule: the page is of an earlier run of the console. Load it again."
            else:
                scope["console.form"] = _form(body)
                receive = _again(body, receive)
        if reason is None:
            await self._app(scope, receive, send_guarded)
        else:
            await PlainTextResponse(f"{reason}\n", 403)(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return f"Refused by the Host rule: this server is {' or '.join(sorted(self._hosts))}."
        if not {f"http://{host}" for host in self._hosts}.issuperset(headers.getlist("origin")):
            return "Refused by the Origin rule: pages of another site may not send requests here."
        if {"none", "same-origin"}.issuperset(headers.getlist("sec-fetch-site")):
            return None
        opened = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        if method == "GET" and opened:
            return None
        return "Refused by the Sec-Fetch-Site rule: pages of another site may only link here."

    def _is_ours(self, headers: Headers, body: bytes) -> bool:
        given = headers.get(TOKEN_HEADER, "")
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            given = given or _form(body).get(TOKEN_FIELD, "")
        return hmac.compare_digest(given.encode(), self._token.encode())


def _form(body: bytes) -> dict[str, str]:
    """The last value of each field."""
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


async def _body_of(receive: Receive) -> bytes | None:
    """None: it is longer than any form of the console."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _LARGEST_FORM:
            return None
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The same request, once more from its beginning."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
