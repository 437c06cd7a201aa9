"""Telephones of the bench's own: the least SIP over UDP that answers a call and ends it, with a stamp on each step.

An INVITE gets 180 and 200 at once; sound is sent back as it comes. Stamps are seconds of `time.time`: a message that
came bears the kernel's, so that it does not matter when this process gets to read it.
"""

import re
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
_SO_TIMESTAMPNS = 35  # Linux; the socket module has no name for it
_STAMP = struct.Struct("@ll")
_SDP = """v=0
o=- 1 1 IN IP4 {host}
s=-
c=IN IP4 {host}
t=0 0
m=audio {port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=ptime:20
a=sendrecv
"""


@dataclass
class Message:
    """A SIP request or response. `headers` keep their order and their spelling."""

    start: str
    headers: list[tuple[str, str]]

    @property
    def method(self) -> str:
        """Of a request; "SIP/2.0" of a response."""
        return self.start.partition(" ")[0]

    def value(self, name: str) -> str:
        return next((value for each, value in self.headers if each.lower() == name), "")

    def values(self, name: str) -> list[tuple[str, str]]:
        return [(each, value) for each, value in self.headers if each.lower() == name]


def parse(data: bytes) -> Message:
    """Raises: ValueError, for what is no SIP."""
    head = data.decode("utf-8", "replace").partition("\r\n\r\n")[0]
    start, *lines = head.split("\r\n")
    if "SIP/2.0" not in start:
        raise ValueError(start)
    pairs = (line.partition(":") for line in lines)
    return Message(start, [(name.strip(), value.strip()) for name, _, value in pairs])


def render(start: str, headers: list[tuple[str, str]], body: str = "") -> bytes:
    content = body.replace("\n", "\r\n")
    lines = [start, *(f"{name}: {value}" for name, value in headers), f"Content-Length: {len(content)}", "", content]
    return "\r\n".join(lines).encode()


@dataclass
class Call:
    """The stamps of one call; None until it comes to that."""

    invite: Message
    source: tuple[str, int]
    invited_at: float
    answered_at: float = 0.0
    acknowledged_at: float | None = None
    ended_at: float | None = None
    """When the other side's BYE came."""


class Phone:
    """One telephone; `Phones` serves it."""

    def __init__(self, name: str, changed: threading.Condition) -> None:
        self.name, self._changed = name, changed
        self.sip, self.rtp = _bound(), _bound()
        self.sip.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.call: Call | None = None
        self._tag = f"{name}-tag"

    @property
    def address(self) -> str:
        """For the file of telephones outside."""
        return f"sip:{self.name}@{LOOPBACK}:{self.sip.getsockname()[1]}"

    def hang_up(self) -> float:
        """Send BYE; when it was sent."""
        call = self.call
        assert call, "nobody called"
        target = re.search(r"<([^>]+)>", call.invite.value("contact"))
        uri = target[1] if target else call.invite.value("contact")
        routes = [value for _, value in call.invite.values("record-route")]
        proxy = re.search(r"sip:(?:[^@>;]*@)?([0-9.]+):([0-9]+)", routes[0]) if routes else None
        headers = [
            *(("Route", each) for each in routes),
            ("Via", f"SIP/2.0/UDP {LOOPBACK}:{self.sip.getsockname()[1]};branch=z9hG4bK{time.time_ns()};rport"),
            ("Max-Forwards", "70"),
            ("From", self._to(call.invite)),
            ("To", call.invite.value("from")),
            ("Call-ID", call.invite.value("call-id")),
            ("CSeq", "1 BYE"),
        ]
        sent = time.time()
        self.sip.sendto(render(f"BYE {uri} SIP/2.0", headers), (proxy[1], int(proxy[2])) if proxy else call.source)
        return sent

    def on_sip(self) -> None:
        """Read one message and answer it."""
        data, ancillary, _, source = self.sip.recvmsg(65536, 64)
        try:
            message = parse(data)
        except ValueError:  # a keep-alive
            return
        with self._changed:
            self._answer(message, source, _stamp(ancillary))
            self._changed.notify_all()

    def on_rtp(self) -> None:
        data, source = self.rtp.recvfrom(4096)
        self.rtp.sendto(data, source)

    def close(self) -> None:
        self.sip.close()
        self.rtp.close()

    def _answer(self, message: Message, source: tuple[str, int], at: float) -> None:
        known = self.call is not None and self.call.invite.value("call-id") == message.value("call-id")
        match message.method:
            case "SIP/2.0":
                pass
            case "INVITE":
                if not known:
                    self.call = Call(message, source, at)
                    self.sip.sendto(self._response("180 Ringing", message), source)
                answer = self._response("200 OK", message, with_sound=True)
                sent = time.time()
                self.sip.sendto(answer, source)
                if not known and self.call:
                    self.call.answered_at = sent
            case "ACK":
                if known and self.call and self.call.acknowledged_at is None:
                    self.call.acknowledged_at = at
            case method:
                self.sip.sendto(self._response("200 OK", message), source)
                if method == "BYE" and known and self.call and self.call.ended_at is None:
                    self.call.ended_at = at

    def _response(self, status: str, request: Message, with_sound: bool = False) -> bytes:
        headers = request.values("via") + request.values("record-route")
        headers += [("From", request.value("from")), ("To", self._to(request))]
        headers += [("Call-ID", request.value("call-id")), ("CSeq", request.value("cseq"))]
        headers += [("Contact", f"<{self.address}>")]
        if not with_sound:
            return render(f"SIP/2.0 {status}", headers)
        description = _SDP.format(host=LOOPBACK, port=self.rtp.getsockname()[1])
        return render(f"SIP/2.0 {status}", [*headers, ("Content-Type", "application/sdp")], description)

    def _to(self, request: Message) -> str:
        to = request.value("to")
        return to if ";tag=" in to else f"{to};tag={self._tag}"


class Phones:
    """Serves telephones on a thread of its own; a context manager."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._all: list[Phone] = []
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="phones", daemon=True)

    def __enter__(self) -> "Phones":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)
        self._selector.close()
        for phone in self._all:
            phone.close()

    def add(self, name: str) -> Phone:
        phone = Phone(name, self.changed)
        self._all.append(phone)
        self._selector.register(phone.sip, selectors.EVENT_READ, phone.on_sip)
        self._selector.register(phone.rtp, selectors.EVENT_READ, phone.on_rtp)
        return phone

    def _serve(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(0.2):
                key.data()


def _bound() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((LOOPBACK, 0))
    return udp


def _stamp(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(data) >= _STAMP.size:
            seconds, nanoseconds = _STAMP.unpack_from(data)
            return float(seconds + nanoseconds / 1e9)
    return time.time()
