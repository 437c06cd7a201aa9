"""A telephone that numbers the audio it sends: a bare SIP user agent on UDP.

Frame n is 160 times one G.711 μ-law code word, `CODES[n % 64]`, which the network passes on unchanged when nobody
talks over it. So the telephone at the other end knows of each sample that it receives when it was sent, which are
missing, and where silence was put in.
"""

import asyncio
import math
import re
import struct
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from pstn.sip_messages import Request, parsed, response

RATE, FRAME_S, FRAME = 8000, 0.02, 160
CODES = bytes(0x80 + 0x10 * (each // 16 * 2) + each % 16 for each in range(64))
"""Of 128 positive code words those of every other segment, all of them audible."""
SILENCE = (0xFF, 0x7F)
CYCLE_S = len(CODES) * FRAME_S
"""The longest delay that can be told from none."""


@dataclass
class Heard:
    """What one telephone received of another. `delays_ms`: of each frame, from when it was sent."""

    delays_ms: list[float] = field(default_factory=list)
    silent_ms: float = 0.0
    missing: int = 0
    """Frames of which nothing came."""

    def share(self, part: float) -> float:
        """The delay that this share of the frames does not exceed (ms)."""
        ordered = sorted(self.delays_ms) or [math.nan]
        return ordered[round(part * (len(ordered) - 1))]

    def and_(self, other: "Heard") -> "Heard":
        """Both ways together."""
        return Heard(self.delays_ms + other.delays_ms, self.silent_ms + other.silent_ms, self.missing + other.missing)


class RtpPhone(asyncio.DatagramProtocol):
    """Answers every call to it, one at a time. `begin` first.

    `got`: the arrival (monotonic seconds) and the payload of each RTP packet since the answer.
    """

    def __init__(self) -> None:
        self.sent_at: list[float] = []
        self.got: list[tuple[float, bytes]] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._rtp: asyncio.DatagramTransport | None = None
        self._sending: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        self._rtp, _ = await loop.create_datagram_endpoint(lambda: _Ear(self.got), ("127.0.0.1", 0))

    async def close(self) -> None:
        for transport in (self._transport, self._rtp):
            if transport:
                transport.close()
        if self._sending:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    @property
    def uri(self) -> str:
        return f"sip:me@127.0.0.1:{self._port(self._transport)}"

    @staticmethod
    def _port(transport: asyncio.DatagramTransport | None) -> int:
        assert transport is not None
        return int(transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        request = parsed(data)
        if request is None or request.method == "ACK":
            return
        assert self._transport
        if request.method == "INVITE":
            self._transport.sendto(self._answer(request), addr)
            host, port = (re.search(line, request.body) for line in (rb"c=IN IP4 ([0-9.]+)", rb"m=audio (\d+)"))
            if host and port and self._sending is None:
                there = host[1].decode(), int(port[1])
                self._sending = asyncio.get_running_loop().create_task(self._send(there))
        else:
            self._transport.sendto(response(200, request, "phone"), addr)
            if request.method == "BYE" and self._sending:
                self._sending.cancel()

    def _answer(self, request: Request) -> bytes:
        sdp = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self._port(self._rtp)} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
        )
        routes = (("record-route", each) for each in request.values("record-route"))
        more = ("contact", f"<{self.uri}>"), ("content-type", "application/sdp")
        head = response(200, request, "phone", *routes, *more)
        return head.replace(b"Content-Length: 0", f"Content-Length: {len(sdp)}".encode()) + sdp.encode()

    def heard(self, other: "RtpPhone", since: int) -> Heard:
        """What came from the other telephone, from packet number `since` on."""
        found, code, last = Heard(), 0, -1
        for arrived, payload in self.got[since:]:
            for at, each in enumerate(payload):
                if each in SILENCE:
                    found.silent_ms += 1000 / RATE
                if each == code or each not in CODES:
                    continue
                code = each
                frame = other.frame_before(arrived, CODES.index(code))
                found.delays_ms.append(1000 * (arrived + at / RATE - other.sent_at[frame]))
                found.missing += frame - last - 1 if last >= 0 else 0
                last = frame
        return found

    def frame_before(self, moment: float, number: int) -> int:
        """The latest frame with this number modulo 64 that was sent before then."""
        latest = bisect_right(self.sent_at, moment) - 1
        return latest - (latest - number) % len(CODES)

    async def _send(self, there: tuple[str, int]) -> None:
        assert self._rtp
        begun = time.monotonic()
        while True:
            number = len(self.sent_at)
            await asyncio.sleep(begun + number * FRAME_S - time.monotonic())
            head = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * FRAME, 1)
            self._rtp.sendto(head + CODES[number % 64 : number % 64 + 1] * FRAME, there)
            self.sent_at.append(time.monotonic())


class Switchboard(asyncio.DatagramProtocol):
    """One SIP address of several telephones: each new call goes to the next of them. `begin` first."""

    def __init__(self, *phones: RtpPhone) -> None:
        self._phones = phones
        self._calls: dict[str, RtpPhone] = {}
        self._transport: asyncio.DatagramTransport | None = None

    async def begin(self) -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))

    async def close(self) -> None:
        if self._transport:
            self._transport.close()

    @property
    def address(self) -> str:
        assert self._transport
        host, port = self._transport.get_extra_info("sockname")
        return f"{host}:{port}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if request := parsed(data):
            following = self._phones[len(self._calls) % len(self._phones)]
            self._calls.setdefault(request.value("call-id"), following).datagram_received(data, addr)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, got: list[tuple[float, bytes]]) -> None:
        self._got = got

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data[1] & 0x7F == 0:
            self._got.append((time.monotonic(), data[12:]))


@contextmanager
def phones_at_work(*phones: RtpPhone | Switchboard) -> Iterator[None]:
    """Run these telephones on a thread of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="rtp-phones", daemon=True)
    thread.start()
    for phone in phones:
        asyncio.run_coroutine_threadsafe(phone.begin(), loop).result()
    try:
        yield
    finally:
        for phone in phones:
            asyncio.run_coroutine_threadsafe(phone.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
