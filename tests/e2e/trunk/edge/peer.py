"""A SIP peer on a socket of its own, which a test plays by hand: a node, a trunk, or a stranger."""

import itertools
import os
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from pstn.sip_messages import Request, Response, parsed, parsed_response

SDP = (
    "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} {profile} {types}\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:9 G722/8000\r\na=rtpmap:96 opus/48000/2\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n{more}a=sendrecv\r\n"
)
CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"
_numbers = itertools.count(1)


def sdp(host: str, port: int, *, profile: str = "RTP/AVP", types: str = "0 8 101", more: str = "") -> str:
    return SDP.format(host=host, port=port, profile=profile, types=types, more=more)


@dataclass(frozen=True)
class Received:
    """A message, and how to answer to where it came from."""

    message: Request | Response
    raw: str
    send: Callable[[bytes], None]

    def __getattr__(self, name):
        return getattr(self.message, name)

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.message.headers if each == name]

    @property
    def what(self) -> str:
        """The method, or the status."""
        return self.message.method if isinstance(self.message, Request) else str(self.message.status)


class Peer:
    """`with Peer("127.0.0.5", 5060) as trunk:`. `transport`: udp, tcp, tls. OPTIONS are answered by itself."""

    def __init__(self, host, port, transport="udp", *, context: ssl.SSLContext | None = None, alive=True) -> None:
        self.host, self.port, self.transport, self._context = host, port, transport, context
        self.alive = alive
        self.knows_calls = True
        """False: OPTIONS within a call are answered with 481."""
        self.asked = 0
        """By OPTIONS within a call."""
        self.raw: list[str] = []
        self.last = ""
        """What it sent last."""
        self.probes = 0
        self.probe = ""
        """The last OPTIONS outside a call."""
        self._seen: set[tuple[str, str, str]] = set()
        self._inbox: queue.Queue[Received] = queue.Queue()
        self._kept: list[Received] = []
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self._streams: list[socket.socket] = []
        self._lost: list[socket.socket] = []

    def __enter__(self):
        if self.transport != "udp":
            self._socket.listen(50)
        threading.Thread(target=self._datagrams if self.transport == "udp" else self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._socket.close()
        for stream in self._streams:
            stream.close()

    @property
    def connections(self) -> int:
        return len(self._streams)

    def loses_connections(self) -> None:
        """Those that it has: nothing says so to the other end, as with a NAT box that forgets them."""
        self._lost = list(self._streams)

    def send(self, to: tuple[str, int], text: str) -> None:
        assert self.transport == "udp"
        self.last = text
        self._socket.sendto(text.encode(), to)

    def next(self, *wanted: str, holding: str | tuple[str, ...] = (), seconds: float = 60.0) -> Received:
        """The next message that is one of `wanted` (methods or statuses) and contains `holding`, all of it.

        Others before it are kept for later.
        """
        deadline = time.monotonic() + seconds
        parts = (holding,) if isinstance(holding, str) else holding
        while True:
            for index, kept in enumerate(self._kept):
                if kept.what in wanted and all(part in kept.raw for part in parts):
                    return self._kept.pop(index)
            try:
                self._kept.append(self._inbox.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                had = [each.what for each in self._kept]
                raise AssertionError(f"no {wanted} came to {self.host}:{self.port}, but {had}") from None

    def forget(self) -> None:
        """What it had is new when it comes again."""
        self._seen.clear()

    def now(self, wanted: str) -> Received | None:
        """One that has come already, or None."""
        with suppress(AssertionError):
            return self.next(wanted, seconds=0.01)
        return None

    def answer(self, request: Received, status: int, *more: str, body: str = "", reason="Because", contact="") -> None:
        lines = [f"SIP/2.0 {status} {reason}"]
        for name in ("via", "record-route", "from", "to", "call-id", "cseq"):
            for value in request.all(name):
                own = ";tag=them" if name == "to" and status > 100 and ";tag=" not in value else ""
                lines.append(f"{name.title()}: {value}{own}")
        contact = contact or f"<sip:them@{self.host}:{self.port};transport={self.transport}>"
        lines += [f"Contact: {contact}", *more, *self._body(body)]
        request.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body.encode())

    def request(self, method: str, uri: str, dialog: "Dialog", *more: str, body: str = "", cseq=None) -> str:
        number = cseq or dialog.cseq
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {self.host}:{self.port};branch=z9hG4bK{next(_numbers)}x;rport",
            *(f"Route: {each}" for each in dialog.routes),
            f"From: {dialog.local}",
            f"To: {dialog.remote}",
            f"Call-ID: {dialog.call_id}",
            f"CSeq: {number} {method}",
            "Max-Forwards: 70",
            f"Contact: <sip:me@{self.host}:{self.port};transport={self.transport}>",
            *more,
            *self._body(body),
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def _body(self, body: str) -> list[str]:
        kind = ["Content-Type: application/sdp"] if body else []
        return [*kind, f"Content-Length: {len(body.encode())}"]

    def _datagrams(self) -> None:
        while True:
            try:
                data, source = self._socket.recvfrom(65535)
            except OSError:
                return
            self._took(data, partial(self._datagram, source))

    def _datagram(self, to: tuple[str, int], data: bytes) -> None:
        self._socket.sendto(data, to)

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._socket.accept()
                if self._context:
                    stream = self._context.wrap_socket(stream, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            self.serve(stream)

    def serve(self, stream: socket.socket) -> None:
        self._streams.append(stream)
        threading.Thread(target=self._stream, args=(stream,), daemon=True).start()

    def _stream(self, stream: socket.socket) -> None:
        data = b""
        while True:
            try:
                got = stream.recv(65535)
            except OSError:
                return
            if not got:
                return
            if stream in self._lost:
                continue
            data += got
            while b"\r\n\r\n" in data:
                head, _, rest = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
                found = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
                length = int(found[1]) if found else 0
                if len(rest) < length:
                    break
                self._took(head + b"\r\n\r\n" + rest[:length], stream.sendall)
                data = rest[length:]

    def _took(self, data: bytes, send: Callable[[bytes], None]) -> None:
        message = parsed(data) or parsed_response(data)
        if message is None:
            return
        received = Received(message, data.decode(), send)
        if isinstance(message, Request) and message.method == "OPTIONS":
            within = ";tag=" in message.value("to")
            self.probes += not within
            self.probe = self.probe if within else received.raw
            self.asked += within
            if self.alive:
                self.answer(received, 200 if self.knows_calls or not within else 481)
            return
        if isinstance(message, Response) and message.status >= 300 and "INVITE" in message.value("cseq"):
            send(self._acknowledges(received))
        # A repeated one is none: UDP repeats what was not answered yet.
        key = (received.what, message.value("via"), message.value("cseq"))
        if key not in self._seen:
            self._seen.add(key)
            self.raw.append(received.raw)
            self._inbox.put(received)

    def _acknowledges(self, refusal: Received) -> bytes:
        """RFC 3261 §17.1.1.3."""
        named = {name: refusal.value(name) for name in ("via", "from", "to", "call-id")}
        number = refusal.value("cseq").partition(" ")[0]
        lines = ["ACK sip:edge@invalid SIP/2.0", *(f"{name.title()}: {value}" for name, value in named.items())]
        return "\r\n".join([*lines, f"CSeq: {number} ACK", "Content-Length: 0", "", ""]).encode()


@dataclass
class Dialog:
    """One side's view: what its requests bear."""

    call_id: str
    local: str
    remote: str
    uri: str
    routes: list[str]
    cseq: int = 1

    @classmethod
    def of_caller(cls, peer: Peer, caller: str, called: str, edge: tuple[str, int]) -> "Dialog":
        number = next(_numbers)
        host, port = edge
        return cls(
            f"{os.getpid():x}{number:012x}",
            f'"Node" <sip:{caller}@{peer.host}>;tag=node{number}',
            f"<sip:{called}@{host}:{port}>",
            f"sip:{called}@{host}:{port}",
            [],
        )

    @property
    def tag(self) -> str:
        """Of the caller, by which a trunk's messages are found: all else is hidden or rewritten."""
        return self.local.rpartition("tag=")[2]

    def answered(self, answer: Received) -> "Dialog":
        """The caller's dialog once a 2xx came."""
        self.remote, self.uri = answer.value("to"), _uri(answer.value("contact"))
        self.routes = list(reversed(answer.message.values("record-route")))
        return self

    @classmethod
    def of_called(cls, invite: Received, tag: str = "them") -> "Dialog":
        to = invite.value("to")
        return cls(
            invite.value("call-id"),
            to if ";tag=" in to else f"{to};tag={tag}",
            invite.value("from"),
            _uri(invite.value("contact")),
            invite.message.values("record-route"),
        )


def _uri(contact: str) -> str:
    found = re.search(r"<([^>]*)>", contact)
    return found[1] if found else contact
