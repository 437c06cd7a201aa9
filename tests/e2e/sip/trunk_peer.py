"""A trunk on loopback with hand-written SIP, and a listener of a line: the two ends of `TrunkLine`.

The line's interface is 127.0.0.9, so that whatever is bound to or names another address is seen.
"""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pstn.clocks import RealClock
from pstn.lines.trunk.line import TrunkLine
from pstn.lines.trunk.settings import TrunkSettings
from pstn.sip_messages import Request, Response, parsed, parsed_response, response, written
from pstn.trunks.trunk_file import read

INTERFACE, TRUNK = "127.0.0.9", "127.0.0.1"
SHOWN, TO = "+12025550100", "+12025550111"
SECRET = "correct horse"  # nothing real
PATIENCE_S = 60.0
"""Only against what hangs."""


@dataclass(frozen=True)
class Says:
    """One answer. `sdp`: it carries a session description."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    sdp: bool = False
    after_s: float = 0.0


ANSWERS = [Says(180), Says(200, sdp=True)]
Script = Callable[[Request], list[Says]]


def sdp(address: str, port: int, profile: str = "RTP/AVP", more: str = "", flow: str = "sendrecv") -> bytes:
    lines = ["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"]
    lines += [f"m=audio {port} {profile} 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000"]
    return "\r\n".join([*lines, *([more] if more else []), f"a={flow}", ""]).encode()


@dataclass
class Company:
    """A host of a trunk. `script`: what it says to INVITE and REGISTER, repeated ones too; other requests get 200."""

    script: Script = lambda request: ANSWERS
    asked: list[Request] = field(default_factory=list)
    heard: list[Response] = field(default_factory=list)
    """Answers to its own requests."""
    port: int = 0
    sees: str = ""
    """Parameters that it adds to Via."""
    rtp: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    certificates: list[Any] = field(default_factory=list)
    """Of those that connected over TLS."""

    def __post_init__(self) -> None:
        self.rtp.bind((TRUNK, 0))
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._send: Callable[[bytes, Any], None]

    def open(self, transport: str = "udp", context: ssl.SSLContext | None = None) -> "Company":
        asyncio.run_coroutine_threadsafe(self._open(transport, context), self._loop).result(PATIENCE_S)
        return self

    async def _open(self, transport: str, context: ssl.SSLContext | None) -> None:
        if transport == "udp":
            made, _ = await self._loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(TRUNK, 0))
            self.port, self._send = made.get_extra_info("sockname")[1], made.sendto
            self._opened: Any = made
        else:
            self._opened = await self._loop.create_server(lambda: _Stream(self), TRUNK, 0, ssl=context)
            self.port = self._opened.sockets[0].getsockname()[1]

    def close(self) -> None:
        def stop() -> None:
            self._opened.close()
            self._loop.stop()

        self._loop.call_soon_threadsafe(stop)
        self.rtp.close()

    def take(self, data: bytes, send: Callable[[bytes], None]) -> None:
        if answer := parsed_response(data):
            with self._changed:
                self.heard.append(answer)
                self._changed.notify_all()
        request = parsed(data)
        if request is None:
            return
        with self._changed:
            self.asked.append(request)
            self._changed.notify_all()
        if request.method == "ACK":
            return
        for says in self.script(request) if request.method in ("INVITE", "REGISTER") else [Says(200)]:
            self._loop.call_later(says.after_s, send, self._written(request, says))

    def _written(self, request: Request, says: Says) -> bytes:
        tag = f"t{self.port}" if says.status > 100 else None
        contact = () if request.method == "REGISTER" else (("contact", f"<sip:gw@{TRUNK}:{self.port}>"),)
        answer = response(says.status, request, tag, *contact, *says.headers)
        answer = answer.replace(b";rport\r\n", f";rport{self.sees}\r\n".encode())
        if not says.sdp:
            return answer
        secure = re.search(rb"a=crypto:[^\r]*", request.body)
        body = sdp(TRUNK, self.rtp.getsockname()[1], *(("RTP/SAVP", secure[0].decode()) if secure else ()))
        head = answer.replace(b"Content-Length: 0", b"Content-Type: application/sdp\r\nContent-Length: %d" % len(body))
        return head + body

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        self._loop.call_soon_threadsafe(self._send, data, to)

    def got(self, method: str, count: int = 1, where: Callable[[Request], bool] = lambda _: True) -> list[Request]:
        """At least so many requests; the test fails without them."""

        def found() -> list[Request]:
            return [each for each in self.asked if each.method == method and where(each)]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= count, PATIENCE_S), [r.method for r in self.asked]
            return found()

    def told(self, status: int) -> Response:
        with self._changed:
            found = lambda: [each for each in self.heard if each.status == status]  # noqa: E731
            assert self._changed.wait_for(found, PATIENCE_S), [each.status for each in self.heard]
            return found()[0]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, company: Company) -> None:
        self._company = company

    def connection_made(self, transport: Any) -> None:
        self._out = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._company.take(data, lambda answer: self._out.sendto(answer, addr))


class _Stream(asyncio.Protocol):
    """One message in each read is enough for what these tests send."""

    def __init__(self, company: Company) -> None:
        self._company, self._data = company, b""

    def connection_made(self, transport: Any) -> None:
        self._out = transport
        if tls := transport.get_extra_info("ssl_object"):
            self._company.certificates.append(tls.getpeercert())

    def data_received(self, data: bytes) -> None:
        self._data = (self._data + data).lstrip(b"\r\n")
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            length = int(re.search(rb"content-length:\s*(\d+)", self._data, re.IGNORECASE)[1])
            if len(self._data) < end + 4 + length:
                return
            message, self._data = self._data[: end + 4 + length], self._data[end + 4 + length :].lstrip(b"\r\n")
            self._company.take(message, self._out.write)


def request(method: str, uri: str, company: Company, number: int = 1, flow: str = "sendrecv", **headers: str) -> bytes:
    """Of the company, within or outside a dialog. `headers`: with _ for -, in place of the usual ones."""
    usual = {
        "via": f"SIP/2.0/UDP {TRUNK}:{company.port};branch=z9hG4bK{method}{number};rport",
        "max-forwards": "70",
        "from": f"<sip:{TO}@{TRUNK}>;tag=far",
        "to": f"<{uri}>",
        "call-id": f"call-{company.port}",
        "cseq": f"{number} {method}",
        "contact": f"<sip:gw@{TRUNK}:{company.port}>",
    }
    given = usual | {name.replace("_", "-"): value for name, value in headers.items()}
    body = sdp(TRUNK, company.rtp.getsockname()[1], flow=flow) if method == "INVITE" else b""
    kind = {"content-type": "application/sdp"} if body else {}
    lines = tuple((given | kind | {"content-length": str(len(body))}).items())
    return written(f"{method} {uri} SIP/2.0", lines, body)


class Listener:
    """In place of the exchange. `legs`: what happened to each leg, in order."""

    def __init__(self) -> None:
        self.clock = RealClock()
        self.happened: list[tuple[str, str, Any]] = []
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.takes = True
        self._changed = threading.Condition(threading.RLock())

    def later(self, seconds: float, run: Callable[[], None]) -> Any:
        def in_turn() -> None:
            with self._changed:
                run()

        return self.clock.call_later(seconds, in_turn)

    def note(self, kind: str, number: str, **detail: Any) -> None:
        self.notes.append((kind, detail))

    def arrives(self, caller: str, called: str, headers: Any) -> str | None:
        self._take("arrived", caller, called)
        return f"in-{caller}" if self.takes else None

    def __getattr__(self, what: str) -> Callable[..., None]:
        return lambda leg, about=None: self._take(what, leg, about)

    def _take(self, what: str, leg: str, about: Any) -> None:
        with self._changed:
            self.happened.append((what, leg, about))
            self._changed.notify_all()

    def got(self, what: str, leg: str) -> Any:
        """What came with it; the test fails without it."""

        def found() -> list[Any]:
            return [about for kind, of, about in self.happened if (kind, of) == (what, leg)]

        with self._changed:
            assert self._changed.wait_for(lambda: bool(found()), PATIENCE_S), self.happened
            return found()[0]

    def run(self, do: Callable[[], Any]) -> Any:
        with self._changed:
            return do()


@contextmanager
def line_over(
    folder: Path, trunks: list[dict[str, Any]], sip_port: int, silence_s: int = 20, stations: int = 1, **rows: Any
) -> Iterator[tuple[TrunkLine, Any]]:
    """A running line over these trunks, and its listener."""
    path = folder / f"trunks-{sip_port}.yaml"
    file = {"interface": INTERFACE, "sip_port": sip_port, "rtp_ports": "26000-26399", "trunks": trunks, **rows}
    path.write_text(yaml.safe_dump(file))
    listener: Any = Listener()
    given = TrunkSettings(read(path, {"TRUNK_SECRET": SECRET}), stations=stations, silence_s=silence_s)
    line = TrunkLine(listener.clock, listener, given)
    try:
        yield line, listener
    finally:
        print((line.work_of(0) / "station-0.log").read_text())  # shown with a test that fails
        line.close()
        listener.clock.stop()
