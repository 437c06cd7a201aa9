"""HTTP requests to an SP.

Invariant: the connection goes to an address that has just been checked, never to a name, which could change in between;
TLS and the Host header use the name. No redirects, no proxies; only a few kilobytes of the response are read, and the
time-out covers the entire request, however slowly the server sends.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from types import TracebackType

from duologue.domain.errors import ForbiddenAddress, InvalidField
from duologue.domain.sp_url import Address, SpUrl, check_addresses
from duologue.domain.webhook_request import Reply, WebhookRequest

_MOST_ADDRESSES = 3
_MOST_REPLY = 4096


@dataclass(frozen=True, slots=True)
class HttpTimeouts:
    connect: timedelta = timedelta(seconds=2)
    """Per address."""
    whole: timedelta = timedelta(seconds=6)
    """From the first connection attempt to the end of the response."""


class HttpSpEndpoints:
    """Implements `usecases.ports.notifying.SpEndpoints`."""

    def __init__(
        self,
        addresses_of: Callable[[str], Sequence[Address] | None],
        *,
        allow_loopback: bool = False,
        allow_plain_http: bool = False,
        https_rule: str = "must be an https URL",
        timeouts: HttpTimeouts | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`allow_loopback`: only for the lab. `tls`: to trust other CAs than the system's.

        `addresses_of`: the addresses of a host; None: unknown at the moment.
        `allow_plain_http`: allow unencrypted notifications, which contain telephone numbers. `https_rule`: what to say
        of an http URL if they are not allowed.
        """
        self._addresses_of = addresses_of
        self._allow_loopback = allow_loopback
        self._allow_plain_http = allow_plain_http
        self._https_rule = https_rule
        self._timeouts = timeouts or HttpTimeouts()
        self._tls = tls

    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        """Looks up all hosts in parallel.

        A host whose addresses are unknown at the moment passes: it is checked again before each request.
        """
        read = [(name, self._read(url, name)) for name, url in urls]
        hosts = dict.fromkeys(url.host for _, url in read)
        if not hosts:
            return
        with ThreadPoolExecutor(len(hosts)) as pool:
            found = dict(zip(hosts, pool.map(self._addresses_of, hosts), strict=True))
        for name, url in read:
            addresses = found[url.host]
            if addresses is not None:
                check_addresses(addresses, field=name, allow_loopback=self._allow_loopback)

    def post(self, request: WebhookRequest) -> Reply:
        try:
            url = self._read(request.url, "the URL")
            addresses = self._addresses_of(url.host)
            if addresses is None:
                return Reply(None, note="the URL's host could not be looked up")
            check_addresses(addresses, field="the URL", allow_loopback=self._allow_loopback)
        except InvalidField as error:
            return Reply(None, note=str(error))
        deadline = _Deadline(self._timeouts.whole)
        try:
            with deadline:
                return self._exchange(request, url, addresses, deadline)
        except (OSError, HTTPException, ValueError) as error:  # refused, reset, timed out, not TLS, not HTTP
            return Reply(None, note="too slow" if deadline.passed else type(error).__name__)

    def _read(self, text: str, field: str) -> SpUrl:
        url = SpUrl.parse(text, field=field)
        if url.scheme == "http" and not self._allow_plain_http:
            raise ForbiddenAddress(field, self._https_rule)
        return url

    def _exchange(
        self, request: WebhookRequest, url: SpUrl, addresses: Sequence[Address], deadline: "_Deadline"
    ) -> Reply:
        line = HTTPConnection(url.host, url.port)
        line.sock = self._connected(url, addresses, deadline)
        headers = {"User-Agent": "Duologue", "Connection": "close", "Host": url.authority, **request.headers}
        line.request("POST", url.target, request.body, headers)
        response = line.getresponse()
        body = response.read(_MOST_REPLY)
        if deadline.passed:  # the body may be incomplete
            return Reply(None, note="too slow")
        return Reply(response.status, body)

    def _connected(self, url: SpUrl, addresses: Sequence[Address], deadline: "_Deadline") -> socket.socket:
        plain = self._first_connection(url, addresses, deadline)
        deadline.watch(plain)
        if url.scheme == "http":
            return plain
        context = self._tls or ssl.create_default_context()
        name = url.host.removesuffix(".")  # certificates have no trailing dot
        secret = context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
        deadline.watch(secret)
        secret.do_handshake()
        return secret

    def _first_connection(self, url: SpUrl, addresses: Sequence[Address], deadline: "_Deadline") -> socket.socket:
        """Connect to the first reachable address: often one of the two address families is not."""
        reason: OSError = TimeoutError()
        for address in addresses[:_MOST_ADDRESSES]:
            wait = min(self._timeouts.connect.total_seconds(), deadline.left)
            if wait <= 0:
                break
            try:
                line = socket.create_connection((str(address), url.port), timeout=wait)
            except OSError as error:
                reason = error
                continue
            line.settimeout(self._timeouts.whole.total_seconds())
            return line
        raise reason


@dataclass
class _Deadline:
    """Aborts a socket's I/O when the time is up; the socket's own time-out restarts with every byte."""

    span: timedelta
    passed: bool = False
    _socket: socket.socket | None = None
    _began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.span.total_seconds() - (time.monotonic() - self._began)

    def watch(self, line: socket.socket) -> None:
        self._socket = line

    def __enter__(self) -> None:
        self._timer = threading.Timer(self.left, self._end)
        self._timer.daemon = True
        self._timer.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        if self._socket is not None:
            self._socket.close()

    def _end(self) -> None:
        self.passed = True
        if self._socket is not None:
            try:
                # The plain socket's shutdown: a TLS socket's would remove its state under the reader.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:  # it ended at the same moment
                return
