"""The page's files and its WebSocket, on loopback.

Law: only the page itself is let in. Whatever else runs in the same browser can reach loopback too, and could listen
and talk: so a request must pass pstn/http_guard.py, and the socket must say that a page of ours opens it.
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

from lab.phones.browser.board import Board
from lab.phones.browser.page import Page
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
LOOK_S, PATIENCE_S = 5, 10
"""How often a browser is asked whether it is there, and how long it may take to say so."""
GOODBYE_S = 1
"""How long a page may take to close its end."""
NOT_UNDERSTOOD = 1008
"""RFC 6455 §7.4.1."""


class NotUnderstood(Exception):
    """A message that is not of this protocol."""


class Doors:
    """Serves a board's pages; `port` 0: any free one."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._port = 0
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def open(self, port: int) -> int:
        """Gives the port. Raises: OSError: it is taken."""
        self._server = await serve(
            self._meet,
            LOOPBACK,
            port,
            process_request=self._let_in,
            compression=None,
            max_size=LARGEST_MESSAGE,
            ping_interval=LOOK_S,
            ping_timeout=PATIENCE_S,
            close_timeout=GOODBYE_S,
            server_header=None,
        )
        self._port = int(next(iter(self._server.sockets)).getsockname()[1])
        return self._port

    async def close(self) -> None:
        """Say goodbye to the pages; one that takes nothing any more is left without."""
        if self._server:
            self._server.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._server.wait_closed()
            for connection in self._server.connections:
                connection.transport.abort()

    def _let_in(self, _: ServerConnection, request: Request) -> Response | None:
        """None: the socket may open."""
        reason = refusal("GET", request.headers.raw_items(), self._port, pages=True)  # websockets knows no other method
        if reason:
            return self._response(HTTPStatus.FORBIDDEN, body_of(reason))
        path = request.path.partition("?")[0]
        if path == SOCKET:
            if request.headers.get_all("Origin") == [f"http://{request.headers['Host']}"]:
                return None
            return self._response(HTTPStatus.FORBIDDEN, b"Only this telephone's own page may do that.\n")
        if path not in FILES:
            return self._response(HTTPStatus.NOT_FOUND, b"There is no such page.\n")
        name, kind = FILES[path]
        return self._response(HTTPStatus.OK, (STATIC / name).read_bytes(), kind)

    def _response(self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> Response:
        # Not every browser takes 'self' for ws: as well.
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

    async def _meet(self, socket: ServerConnection) -> None:
        """One page, from its opening to its end."""
        page: Page | None = None
        telling: asyncio.Task[None] | None = None
        try:
            async for message in socket:
                if page is None:
                    page = Page(_number(message), lambda code, why: self._spawn(socket.close(code, why)))
                    telling = self._spawn(page.tell(socket.send))
                    self._board.on(page)
                elif isinstance(message, bytes):
                    page.hear(_frame(message))
                else:
                    self._obey(page, message)
        except ConnectionClosed:
            pass  # without a goodbye
        except NotUnderstood as fault:
            await socket.close(NOT_UNDERSTOOD, str(fault))
        finally:
            if page:
                self._board.off(page)
            if telling:
                telling.cancel()

    def _obey(self, page: Page, message: str) -> None:
        board = self._board
        match _read(message):
            case {"do": "dial", "number": str(number)}:
                board.dial(page, number)
            case {"do": "answer", "call": str(call)}:
                board.answer(page, call)
            case {"do": "hangup", "call": str(call)}:
                board.hangup(page, call)
            case {"do": "press", "call": str(call), "digit": str(digit)}:
                board.press(page, call, digit)
            case _:
                raise NotUnderstood("no such request")

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        async def run() -> None:
            with suppress(ConnectionClosed):
                await work

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _number(message: str | bytes) -> str:
    """Of the first message. Raises: NotUnderstood."""
    match _read(message) if isinstance(message, str) else None:
        case {"do": "on", "number": str(number)} if E164.fullmatch(number):
            return number
    raise NotUnderstood("first say which number this is: + and the country code")


def _frame(message: bytes) -> bytes:
    if len(message) != FRAME_BYTES:
        raise NotUnderstood(f"sound comes in frames of {FRAME_BYTES} bytes")
    return message


def _read(message: str) -> object:
    try:
        return json.loads(message)
    except (ValueError, RecursionError) as error:  # thousands of brackets are no message either
        raise NotUnderstood("not JSON") from error
