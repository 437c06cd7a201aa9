"""Which HTTP requests a server on loopback answers: those of programs and of its own pages, not of other web pages.

Every page that the user's browser has open can send requests to 127.0.0.1. The rule, in front of every port and for
every method:

1. Host is exactly one of 127.0.0.1, localhost and [::1] with this server's port, or a name that the server was given.
   A foreign name that was made to lead here (DNS rebinding) is refused.
2. Origin, if sent, is that of a page of this server. A server without pages accepts none.
3. Sec-Fetch-Site, if sent, is `none` (the user typed the address) or `same-origin`. Exception: a link that is opened as
   a page of its own (GET, Sec-Fetch-Mode: navigate, Sec-Fetch-Dest: document), because the page with the link cannot
   read the answer. A server where a GET can change something says which targets may be opened so.
4. No Access-Control-* header leaves, so a preflight never succeeds.

SDKs, curl and servers send neither Origin nor Sec-Fetch-*, and name the host that they connect to.
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import re
import socket
import threading
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_FETCH_SITES = {"none", "same-origin"}
_CORS = "access-control-"
_MOST_DRAINED = 64 * 1024
_LENGTH = re.compile("[0-9]{1,12}")

Headers = Iterable[tuple[str, str]]
Scope = dict[str, Any]
AsgiApp = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]
"""(scope, receive, send), which each server types in its own way."""


def refusal(
    method: str, headers: Headers, port: int, *, pages: bool = False, link: bool = True, also: Collection[str] = ()
) -> str | None:
    """Why a request is refused, in one line for a 403; None if it is not.

    Args:
        headers: as received; names in any case, a repeated header as several items.
        port: this server's.
        pages: whether this server has pages of its own, whose requests bear its Origin.
        link: whether this target may be opened from a link on another site.
        also: further origins of this server, such as `https://site.example` where a proxy stands before it.
    """
    sent: dict[str, list[str]] = {}
    for name, value in headers:
        sent.setdefault(name.lower(), []).append(value.strip().lower())
    hosts = {f"{name}:{port}" for name in LOOPBACK_NAMES} | {urlsplit(origin).netloc.lower() for origin in also}
    if len(sent.get("host", ())) != 1 or sent["host"][0] not in hosts:
        return f"Refused by the Host rule: this server is {' or '.join(sorted(hosts))}."
    origins = {f"http://{host}" for host in hosts} | {origin.lower() for origin in also} if pages else set()
    if not origins.issuperset(sent.get("origin", ())):
        return "Refused by the Origin rule: pages of another site may not send requests here."
    if _FETCH_SITES.issuperset(sent.get("sec-fetch-site", ())):
        return None
    opened = sent.get("sec-fetch-mode") == ["navigate"] and sent.get("sec-fetch-dest") == ["document"]
    if method == "GET" and opened and link:
        return None
    return "Refused by the Sec-Fetch-Site rule: pages of another site may only link here."


def is_cors(name: str) -> bool:
    """Whether a header of an answer lets other sites read it."""
    return name.lower().startswith(_CORS)


def body_of(reason: str) -> bytes:
    """The body of a 403."""
    return f"{reason}\n".encode()


def guarded(app: AsgiApp, port: int, *, is_link: Callable[[Scope], bool]) -> AsgiApp:
    """An ASGI application without pages, behind the guard. `is_link`: `link` of a target."""

    async def serve(scope: Scope, receive: Any, send: Any) -> None:
        async def send_without_cors(message: dict[str, Any]) -> None:
            if "headers" in message:
                kept = [(name, value) for name, value in message["headers"] if not is_cors(name.decode("latin-1"))]
                message = {**message, "headers": kept}
            await send(message)

        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        method = scope.get("method", "GET")
        reason = refusal(method, headers, port, link=method == "GET" and is_link(scope))
        if reason is None:
            await app(scope, receive, send_without_cors)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # before it was accepted: the server answers 403
        else:
            content = body_of(reason)
            lines = [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(content)).encode()),
            ]
            await send({"type": "http.response.start", "status": 403, "headers": lines})
            await send({"type": "http.response.body", "body": content})

    return serve


class GuardedHandler(BaseHTTPRequestHandler):
    """A handler of http.server whose requests pass the guard first, whatever their method.

    Handlers read bodies by `content`, which believes no length that a client makes up.
    """

    pages = False

    @property
    def also(self) -> Collection[str]:
        """Further origins of this server."""
        return ()

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        port = self.connection.getsockname()[1]
        reason = refusal(self.command, self.headers.items(), port, pages=self.pages, also=self.also)
        if reason is None:
            return True
        self.refuse(HTTPStatus.FORBIDDEN, reason)
        return False

    def content(self, most: int) -> bytes | None:
        """The body, empty if none was sent; None: its length is malformed, missing (chunked) or above `most` bytes."""
        length = self._length()
        return None if length is None or length > most else self.rfile.read(length)

    def refuse(self, status: HTTPStatus, reason: str) -> None:
        """Answer in plain text instead of handling the request, and close the connection."""
        # A connection that is closed with unread bytes may be reset before the answer is read.
        self.rfile.read(min(self._length() or 0, _MOST_DRAINED))
        content = body_of(reason)
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _length(self) -> int | None:
        declared = self.headers.get("Content-Length", "0")
        return int(declared) if _LENGTH.fullmatch(declared) and "Transfer-Encoding" not in self.headers else None


class LoopbackHttpServer(ThreadingHTTPServer):
    """Serves on 127.0.0.1 from `begin` to `close`, and does not wake up while no request comes.

    Raises: OSError: the port is taken.
    """

    daemon_threads = True
    request_queue_size = 128
    """Python's default of 5 would drop connections when many calls end at once; a dropped one is retried after 1 s."""

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)

    def begin(self, name: str) -> None:
        """`name`: of its thread."""
        threading.Thread(target=self.serve_forever, args=(None,), name=name, daemon=True).start()

    def close(self) -> None:
        """`shutdown` takes effect at the next connection, so there is one."""
        ending = threading.Thread(target=self.shutdown)
        ending.start()
        while ending.is_alive():
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.server_port), timeout=1).close()
            ending.join(0.05)
        self.server_close()
