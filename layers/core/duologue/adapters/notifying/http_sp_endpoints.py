"""HTTP requests to an SP, by h11, which does no I/O: so each wait for the socket is ours, and has the same deadline.

Invariant: the connection goes to an address that has just been checked, never to a name, which could change in between;
TLS and the Host header use the name. No redirects, no proxies; only a few kilobytes of the response are read, and the
time-out covers the entire request, however slowly the server sends.

Whatever keeps a response from coming, the SP is told the same: by its URLs it must not find out what listens where. The
cause is for the operator's log.

What was read by the deadline counts. A response has begun with its final status line, whatever follows it: headers that
h11 does not take, a body that is cut off, or one that does not end. A response of 1xx is not the final one, except 101,
which nobody asked for (RFC 9110, 15.2).
"""

import re
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import h11

from duologue.adapters.notifying.sp_urls import ResolvedSpUrls
from duologue.domain.errors import InvalidField
from duologue.domain.notifying.sp_url import Address, SpUrl
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest

_MOST_ADDRESSES = 3
_MOST_CAUSE = 200
"""Characters; h11 quotes what it could not read."""
_MOST_HEAD = 64 * 1024
"""Status line and headers of one response."""
_MOST_REPLY = 4096

_FINAL_STATUS = re.compile(rb"HTTP/[0-9]\.[0-9] (101|[2-9][0-9]{2})(?: [^\r\n]*)?\r?\n")


@dataclass(frozen=True, slots=True)
class HttpTimeouts:
    connect: timedelta = timedelta(seconds=2)
    """Per address."""
    whole: timedelta = timedelta(seconds=6)
    """From the first connection attempt to the end of the response."""
    rest: timedelta = timedelta(seconds=1)
    """For a body that decides nothing, so that the server can end its response in peace."""


class HttpSpEndpoints:
    """Implements `usecases.ports.notifying.SpEndpoints`."""

    def __init__(
        self, urls: ResolvedSpUrls, *, timeouts: HttpTimeouts | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """`tls`: to trust other CAs than the system's."""
        self._urls = urls
        self._timeouts = timeouts or HttpTimeouts()
        self._given_tls = tls

    def post(self, request: WebhookRequest) -> Reply:
        try:
            url, addresses = self._urls.resolve(request.url)
        except InvalidField as error:
            return Reply(None, note=str(error))
        if addresses is None:
            return Reply(None, note="the URL's host could not be looked up")
        deadline = _Deadline(self._timeouts.whole)
        try:
            with self._connect(url, addresses, deadline) as plain, self._secure(plain, url, deadline) as line:
                return self._exchange(request, url, line, deadline)
        except TimeoutError:
            return Reply(None, note="too slow")
        except (OSError, h11.ProtocolError) as error:  # refused, reset, not TLS, not HTTP
            return Reply(None, note="no HTTP response", cause=f"{type(error).__name__}: {error}"[:_MOST_CAUSE])

    def _connect(self, url: SpUrl, addresses: Sequence[Address], deadline: "_Deadline") -> socket.socket:
        """Connect to the first reachable address: often one of the two address families is not."""
        reason: OSError = TimeoutError()
        for address in addresses[:_MOST_ADDRESSES]:
            wait = min(self._timeouts.connect.total_seconds(), deadline.left())
            try:
                return socket.create_connection((str(address), url.port), timeout=wait)
            except OSError as error:
                reason = error
        raise reason

    def _secure(self, plain: socket.socket, url: SpUrl, deadline: "_Deadline") -> socket.socket:
        if url.scheme == "http":
            return plain
        name = url.host.removesuffix(".")  # certificates have no trailing dot
        plain.settimeout(deadline.left())  # of the whole handshake, not of each wait in it
        return self._tls.wrap_socket(plain, server_hostname=name)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()

    def _exchange(self, request: WebhookRequest, url: SpUrl, line: socket.socket, deadline: "_Deadline") -> Reply:
        wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        to_send = _written(wire, request, url)
        while to_send:
            line.settimeout(deadline.left())
            to_send = to_send[line.send(to_send) :]

        response = _Response(wire)
        try:
            while not response.is_read:
                event = wire.next_event()
                if event is h11.NEED_DATA:
                    line.settimeout(deadline.left())
                    response.receive(line.recv(_MOST_REPLY))
                    continue
                response.take(event)
                if isinstance(event, h11.Response) and not request.reply_body_counts:
                    deadline.shorten(self._timeouts.rest)
        except (OSError, h11.RemoteProtocolError):
            if response.status is None:
                raise
        return Reply(response.status, response.body[:_MOST_REPLY], retry_after=response.retry_after)


class _Response:
    """What has been read of a response so far."""

    def __init__(self, wire: h11.Connection) -> None:
        self.body = b""
        self.retry_after = ""
        self.is_read = False
        self._wire = wire
        self._head = b""

    @property
    def status(self) -> int | None:
        """Of the final status line; None: it has not been read."""
        line = _FINAL_STATUS.match(self._head)
        return int(line[1]) if line else None

    def receive(self, data: bytes) -> None:
        if self._wire.their_state is h11.SEND_RESPONSE:
            self._head = self._wire.trailing_data[0] + data
        self._wire.receive_data(data)

    def take(self, event: object) -> None:
        match event:
            case h11.InformationalResponse():
                self._head = self._wire.trailing_data[0]
            case h11.Response():
                self.retry_after = dict(event.headers).get(b"retry-after", b"").decode("latin-1")
            case h11.Data():
                self.body += event.data
                self.is_read = len(self.body) >= _MOST_REPLY
            case _:
                self.is_read = True


def _written(wire: h11.Connection, request: WebhookRequest, url: SpUrl) -> bytes:
    headers = {
        "Host": url.authority,
        "User-Agent": "Duologue",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Length": str(len(request.body)),
        **request.headers,
    }
    events = (
        h11.Request(method="POST", target=url.target, headers=list(headers.items())),
        h11.Data(data=request.body),
        h11.EndOfMessage(),
    )
    return b"".join(wire.send(event) or b"" for event in events)


class _Deadline:
    def __init__(self, span: timedelta) -> None:
        self._end = time.monotonic() + span.total_seconds()

    def left(self) -> float:
        """Seconds. Raises TimeoutError: none are left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def shorten(self, span: timedelta) -> None:
        """Let it end in `span` from now, unless it ends earlier."""
        self._end = min(self._end, time.monotonic() + span.total_seconds())
