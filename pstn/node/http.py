"""The HTTP servers of a node, on a thread of their own: the API for the platform, and the port of its operators."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pstn.http_guard import body_of, refusal
from pstn.http_serving import serving
from pstn.node.settings import HostPort

Answer = tuple[int, Mapping[str, str], bytes]
Handle = Callable[["Request"], Awaitable[Answer]]
MOST_BODY = 64 * 1024
"""Of a request: a dial is a few hundred bytes."""
BODY_S = 5.0
"""For a request to arrive."""
_MOST_CONNECTIONS = 512
_NO_CONTENT: Answer = (413, {}, b"")


@dataclass(frozen=True)
class Request:
    """`target`: path and query as sent; `headers`: names in lower case, the last one of a name that is repeated."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def asgi(handle: Handle, port: int, addresses: Collection[HostPort]) -> Any:
    """An ASGI application of one handler, without pages, behind the guard of pstn.http_guard.

    `port`: where it listens. `addresses`: by which it is reached besides those of loopback.
    """
    origins = [f"http://{address}" for address in addresses]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        headers = dict(lines)
        query = scope["query_string"]
        target = (scope["raw_path"] + (b"?" + query if query else b"")).decode("latin-1")
        try:
            async with asyncio.timeout(BODY_S):
                body = await _body(receive)
        except TimeoutError:
            return  # uvicorn closes the connection
        if reason := refusal(scope["method"], lines, port, link=False, also=origins):
            answer: Answer = 403, {"Content-Type": "text/plain; charset=utf-8"}, body_of(reason)
        elif body is None:
            answer = _NO_CONTENT
        else:
            answer = await handle(Request(scope["method"], target, headers, body))
        status, more, content = answer
        sent = {**more, "Content-Length": str(len(content))}
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": content})

    return app


async def _body(receive: Any) -> bytes | None:
    """None: it is too long."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_BODY:
            return None
        if not message.get("more_body"):
            return bytes(body)


class HttpServers:
    """Serves each application on its bound socket between `start` and `stop`."""

    def __init__(self, apps: Sequence[tuple[Any, socket.socket]]) -> None:
        self._apps = apps
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="node-http", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Answer what is being handled, for at most a second, then close."""
        if self._loop and self._over and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
                self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(5)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        settings = {"lifespan": "off", "ws": "none", "limit_concurrency": _MOST_CONNECTIONS, "log_level": "warning"}
        async with contextlib.AsyncExitStack() as served:
            for app, listener in self._apps:
                await served.enter_async_context(serving(app, listener, **settings))
            self._ready.set()
            await self._over.wait()
