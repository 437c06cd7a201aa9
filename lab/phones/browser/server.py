"""The page's files and its WebSocket, on loopback.

Rule: only the page itself may connect. Other pages in the same browser can reach loopback too, and could listen and
talk; so a request must pass pstn/http_guard.py, and the socket's Origin must be one of our pages.
"""

import asyncio
import json
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from lab.phones.browser.page import Page
from lab.phones.browser.switchboard import Switchboard
from pstn.http_guard import body_of, refusal
from pstn.lines.sip.audio import FRAME_BYTES
from pstn.lines.sip.child import LOOPBACK
from pstn.lines.sip.directory import E164

STATIC = Path(__file__).parent / "static"
FILES = {
    "/": ("phone.html", "text/html; charset=utf-8"),
    "/phone.css": ("phone.css", "text/css; charset=utf-8"),
    "/phone.js": ("phone.js", "text/javascript; charset=utf-8"),
    "/tones.js": ("tones.js", "text/javascript; charset=utf-8"),
    "/sound.js": ("sound.js", "text/javascript; charset=utf-8"),
}
SOCKET = "/socket"
LARGEST_MESSAGE = 4096
PING_EVERY_S, PING_TIMEOUT_S = 5, 10
"""How often a browser is pinged, and how long it may take to respond."""
CLOSE_TIMEOUT_S = 1
"""How long a page may take to close its side."""
POLICY_VIOLATION = 1008
"""RFC 6455 §7.4.1."""


class ProtocolError(Exception):
    """A message that is not valid in this protocol."""


class PhoneServer:
    """Serves the pages of a switchboard."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._port = 0
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self, port: int) -> int:
        """Returns the port. `port` 0: any free one. Raises: OSError: it is in use."""
        self._server = await serve(
            self._serve_page,
            LOOPBACK,
            port,
            process_request=self._check_request,
            compression=None,
            max_size=LARGEST_MESSAGE,
            ping_interval=PING_EVERY_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            server_header=None,
        )
        self._port = int(next(iter(self._server.sockets)).getsockname()[1])
        return self._port

    async def close(self) -> None:
        """Close the pages' sockets; abort those that do not respond."""
        if self._server:
            self._server.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._server.wait_closed()
            for connection in self._server.connections:
                connection.transport.abort()

    def _check_request(self, _: ServerConnection, request: Request) -> Response | None:
        """The response to a request; None: the WebSocket may open."""
        reason = refusal("GET", request.headers.raw_items(), self._port, pages=True)  # websockets knows no other method
        if reason:
            return self._response(HTTPStatus.FORBIDDEN, body_of(reason))
        path = request.path.partition("?")[0]
        if path == SOCKET:
            if request.headers.get_all("Origin") == [f"http://{request.headers['Host']}"]:
                return None
            return self._response(HTTPStatus.FORBIDDEN, b"Only this telephone's own page may open this socket.\n")
        if path not in FILES:
            return self._response(HTTPStatus.NOT_FOUND, b"There is no such page.\n")
        name, kind = FILES[path]
        return self._response(HTTPStatus.OK, (STATIC / name).read_bytes(), kind)

    def _response(self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> Response:
        # Not every browser applies 'self' to ws:.
        sockets = " ".join(f"ws://{host}:{self._port}" for host in (LOOPBACK, "localhost"))
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:;"
            f" connect-src 'self' {sockets}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
            "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        return Response(status.value, status.phrase, Headers(headers), body)

    async def _serve_page(self, socket: ServerConnection) -> None:
        """Serve one page until its socket closes."""
        page: Page | None = None
        telling: asyncio.Task[None] | None = None
        try:
            async for message in socket:
                if page is None:
                    page = Page(_number(message), lambda code, why: self._spawn(socket.close(code, why)))
                    telling = self._spawn(page.send_all(socket.send))
                    self._switchboard.connect(page)
                elif isinstance(message, bytes):
                    page.microphone_frame(_frame(message))
                else:
                    self._handle_message(page, message)
        except ConnectionClosed:
            pass  # without a closing handshake
        except ProtocolError as fault:
            await socket.close(POLICY_VIOLATION, str(fault))
        finally:
            if page:
                self._switchboard.disconnect(page)
            if telling:
                telling.cancel()

    def _handle_message(self, page: Page, message: str) -> None:
        switchboard = self._switchboard
        match _read(message):
            case {"do": "dial", "number": str(number), "withhold": bool(withhold)}:
                switchboard.dial(page, number, withhold=withhold)
            case {"do": "answer", "call": str(call)}:
                switchboard.answer(page, call)
            case {"do": "hangup", "call": str(call)}:
                switchboard.hangup(page, call)
            case {"do": "press", "call": str(call), "digit": str(digit)}:
                switchboard.press(page, call, digit)
            case _:
                raise ProtocolError("unknown request")

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        async def run() -> None:
            with suppress(ConnectionClosed):
                await work

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _number(message: str | bytes) -> str:
    """The number in the first message. Raises: ProtocolError."""
    match _read(message) if isinstance(message, str) else None:
        case {"do": "on", "number": str(number)} if E164.fullmatch(number):
            return number
    raise ProtocolError("the first message must have the number, with + and the country code")


def _frame(message: bytes) -> bytes:
    if len(message) != FRAME_BYTES:
        raise ProtocolError(f"audio must be in frames of {FRAME_BYTES} bytes")
    return message


def _read(message: str) -> object:
    try:
        return json.loads(message)
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of nested brackets
        raise ProtocolError("not JSON") from error
