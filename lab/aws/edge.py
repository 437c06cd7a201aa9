"""The REST API at the root of a port of its own, as a custom domain with an empty base path serves it.

Requests of web pages are refused, but a link may be opened (pstn/http_guard.py).

Rule: requests are not logged; method, path, query, header lines and body reach API Gateway as the client sent them,
including its spelling of header names.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, unquote

import h11

from lab.aws import switches
from lab.aws.cloud import Cloud
from lab.aws.ministack import LOOPBACK, ministack
from lab.aws.overlay import metrics
from lab.aws.overlay.rest_proxy import CLIENT, Client, gateway_answer
from pstn.http_guard import body_of, is_cors, refusal

_LARGEST_BODY = 10 * 1024 * 1024
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html"""

_CHUNK = 65536
_IDLE_SECONDS = 75.0
_BACKLOG = 512
_OWN_HEADERS = {"content-length", "transfer-encoding", "connection", "date"}

Answer = tuple[int, dict[str, Any], bytes]


class Edge:
    """One stage of one REST API on a port; runs on the cloud's own loop.

    The port is known in advance, so that the stack can get the API's address as a parameter; clients that connect
    before `start` wait.

    Raises:
        OSError: the port is in use.
    """

    def __init__(self, cloud: Cloud, *, port: int = 0) -> None:
        self._cloud, self._api_id, self._stage = cloud, "", ""
        self._listener = socket.create_server((LOOPBACK, port), backlog=_BACKLOG)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.observers: list[Callable[[str, int, bytes], None]] = []
        """Each gets the path, the status and the body of every answer of the stage; quick, and on the cloud's loop."""
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self, api_id: str, stage: str) -> Edge:
        """Serve this stage."""
        self._api_id, self._stage = api_id, stage
        self._cloud.run(self._start())
        return self

    def stop(self) -> None:
        """Close the listener and every connection. Safe to repeat."""
        if self._server is not None:
            self._cloud.run(self._stop())
            self._server = None
        self._listener.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._connected, sock=self._listener, backlog=_BACKLOG)

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            pass  # the client disconnected or was idle too long, or the edge is closing
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = h11.Connection(h11.SERVER, max_incomplete_event_size=_CHUNK)
        peer = writer.get_extra_info("peername")[0]
        while True:
            try:
                request, body = await _read(wire, reader, writer)
            except h11.RemoteProtocolError as wrong:
                await _write(wire, writer, (wrong.error_status_hint, {}, b""))
                return
            if request is None:
                return
            answer = self._refused(request) or (
                await self._forward(request, body, peer) if body is not None else self._too_large()
            )
            await _write(wire, writer, answer, head=request.method == b"HEAD")
            if body is None or wire.our_state is h11.MUST_CLOSE or wire.their_state is h11.MUST_CLOSE:
                return
            wire.start_next_cycle()

    async def _forward(self, request: h11.Request, body: bytes, peer: str) -> Answer:
        target, _, query = request.target.decode("latin-1").partition("?")
        lines: Iterable[tuple[str, str]] = _lines(request)
        host = next((value for name, value in lines if name.lower() == "host"), "")
        lines = (*_without_forwarded(lines), *_forwarded(lines, peer, self.port))
        headers: dict[str, str] = {}
        for name, value in lines:
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
        CLIENT.set(Client(lines, peer))
        ministack("core.responses").set_request_account_id(self._cloud.account)
        ministack("core.responses").set_request_region(self._cloud.region)
        prefix = f"/_aws/execute-api/{self._api_id}/{self._stage}"
        answer: Answer | None = await ministack("app")._handle_execute_api_request(
            host,
            prefix + unquote(target),
            request.method.decode(),
            headers,
            body,
            parse_qs(query, keep_blank_values=True),
            raw_path=prefix + target,
            raw_query_string=query,
        )
        answer = answer or (403, {"Content-Type": "application/json"}, b'{"message":"Forbidden"}')
        metrics.answered(self._api_id, self._stage, answer[0])
        for observe in self.observers:
            observe(target, answer[0], answer[2])
        return answer

    def _refused(self, request: h11.Request) -> Answer | None:
        lines = _lines(request)
        size = len(request.target) + sum(len(value) for _, value in lines)
        most = switches.cloud().header_bytes
        if most and size > most:
            return 431, {"Content-Type": "application/json"}, b'{"message":"Request Header Fields Too Large"}'
        reason = refusal(request.method.decode(), lines, self.port)
        return (403, {"Content-Type": "text/plain; charset=utf-8"}, body_of(reason)) if reason else None

    def _too_large(self) -> Answer:
        return gateway_answer(self._api_id, self._stage, "REQUEST_TOO_LARGE", "Request Too Long")


def _lines(request: h11.Request) -> tuple[tuple[str, str], ...]:
    """The header lines as the client spelled them."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw_items())


def _without_forwarded(lines: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [line for line in lines if not line[0].lower().startswith("x-forwarded-")]


def _forwarded(lines: Iterable[tuple[str, str]], peer: str, port: int) -> list[tuple[str, str]]:
    """The headers that API Gateway adds; the peer's address is appended to the client's X-Forwarded-For."""
    claimed = [value for name, value in lines if name.lower() == "x-forwarded-for"]
    return [
        ("X-Forwarded-For", ", ".join([*claimed, peer])),
        ("X-Forwarded-Port", str(port)),
        ("X-Forwarded-Proto", "http"),
    ]


async def _read(
    wire: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[h11.Request | None, bytes | None]:
    """The next request and its body; (None, None) at the end; the body is None if it is too large."""
    request, body = None, bytearray()
    while True:
        if wire.they_are_waiting_for_100_continue:
            writer.write(wire.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        event = wire.next_event()
        if event is h11.NEED_DATA:
            wire.receive_data(await asyncio.wait_for(reader.read(_CHUNK), _IDLE_SECONDS))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _LARGEST_BODY:
                return request, None
        elif isinstance(event, h11.EndOfMessage):
            return request, bytes(body)
        else:
            return None, None


async def _write(wire: h11.Connection, writer: asyncio.StreamWriter, answer: Answer, *, head: bool = False) -> None:
    status, headers, body = answer
    lines: list[tuple[str, str]] = [("Date", formatdate(usegmt=True)), ("x-amzn-RequestId", str(uuid.uuid4()))]
    for name, values in headers.items():
        if name.lower() in _OWN_HEADERS | {"x-amzn-requestid"} or is_cors(name):
            continue
        lines += [(name, str(value)) for value in (values if isinstance(values, list) else [values])]
    empty = status in {204, 304}
    if not empty:
        lines.append(("Content-Length", str(len(body))))
    response = h11.Response(status_code=int(status), headers=lines)
    writer.write(wire.send(response) or b"")
    if body and not empty and not head:
        writer.write(wire.send(h11.Data(data=body)) or b"")
    writer.write(wire.send(h11.EndOfMessage()) or b"")
    await writer.drain()
