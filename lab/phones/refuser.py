"""A SIP address on UDP that never answers: it rings, and refuses with whatever code it is told.

The SIP library of the phones can refuse with 486 only. Server transactions after RFC 3261 §17.2.1: the last response
is sent again to a repeated INVITE, a final one until it is acknowledged, for 32 s at most.
"""

import asyncio
import http
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

T1, T2, TIMEOUT_S = 0.5, 4.0, 32.0
"""RFC 3261 §17.1.1.1 and timer H."""
REASONS = {
    180: "Ringing",
    404: "Not Found",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    487: "Request Terminated",
}
REASONS |= {603: "Decline"}
COPIED = ("via", "from", "to", "call-id", "cseq")
SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id"}


@dataclass
class Ringing:
    """One INVITE that waits to be refused."""

    leg: str
    headers: list[tuple[str, str]]
    source: tuple[str, int]
    last: bytes = b""
    final: bool = False
    again: list[asyncio.TimerHandle] = field(default_factory=list)


class Refuser(asyncio.DatagramProtocol):
    """`tell` gets the same events as a station's: incoming, ended."""

    def __init__(self, leg_header: str, tell: Callable[[dict[str, Any]], None]) -> None:
        self._leg_header = leg_header.lower()
        self._tell = tell
        self._transport: asyncio.DatagramTransport | None = None
        self._by_call: dict[str, Ringing] = {}
        self._by_leg: dict[str, Ringing] = {}
        self._ahead: dict[str, list[int]] = {}

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: before Python 3.12 asyncio's own class is no DatagramTransport by name.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def say(self, leg: str, code: int) -> None:
        """180, or the final code; kept for an INVITE that is still on its way."""
        ringing = self._by_leg.get(leg)
        if ringing is None:
            self._ahead.setdefault(leg, []).append(code)
        elif not ringing.final:
            self._respond(ringing, code)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        method, headers = _parsed(data)
        call_id = _value(headers, "call-id")
        known = self._by_call.get(call_id)
        if method == "INVITE" and known:
            self._send(known.last, known.source)
        elif method == "INVITE":
            self._invited(call_id, headers, addr)
        elif method == "CANCEL":
            self._send(_response(200, headers, "lab") if known else _response(481, headers, "lab"), addr)
            if known and not known.final:
                self._respond(known, 487)
        elif method == "ACK" and known:
            self._forget(call_id, known)
        elif method and method != "ACK":
            self._send(_response(481, headers, "lab"), addr)

    def _invited(self, call_id: str, headers: list[tuple[str, str]], source: tuple[str, int]) -> None:
        leg = _value(headers, self._leg_header) or call_id
        ringing = Ringing(leg, headers, source)
        self._by_call[call_id] = self._by_leg[leg] = ringing
        self._respond(ringing, 100)
        told = {"from": _value(headers, "from"), "to": _value(headers, "to")}
        self._tell({"event": "incoming", "leg": leg, **told})
        for code in self._ahead.pop(leg, []):
            self.say(leg, code)

    def _respond(self, ringing: Ringing, code: int) -> None:
        ringing.last = _response(code, ringing.headers, None if code == 100 else ringing.leg)
        self._send(ringing.last, ringing.source)
        if code < 200:
            return
        ringing.final = True
        loop, wait, total = asyncio.get_running_loop(), T1, T1
        while total < TIMEOUT_S:
            ringing.again.append(loop.call_later(total, self._send, ringing.last, ringing.source))
            wait = min(2 * wait, T2)
            total += wait
        call_id = _value(ringing.headers, "call-id")
        ringing.again.append(loop.call_later(TIMEOUT_S, self._forget, call_id, ringing))

    def _forget(self, call_id: str, ringing: Ringing) -> None:
        for timer in ringing.again:
            timer.cancel()
        if self._by_call.pop(call_id, None):
            self._by_leg.pop(ringing.leg, None)
            self._tell({"event": "ended", "leg": ringing.leg, "code": 0, "by": "self"})

    def _send(self, data: bytes, to: tuple[str, int]) -> None:
        if self._transport:
            self._transport.sendto(data, to)


def _parsed(data: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Method and headers of a request; ("", []) if it is none."""
    head = data.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    first, *lines = head.split("\r\n")
    if not first.endswith(" SIP/2.0"):
        return "", []
    pairs = (line.partition(":") for line in lines)
    return first.split(" ", 1)[0], [(_long(name), value.strip()) for name, _, value in pairs]


def _long(name: str) -> str:
    name = name.strip().lower()
    return SHORT.get(name, name)


def _value(headers: list[tuple[str, str]], name: str) -> str:
    return next((value for each, value in headers if each == name), "")


def _response(code: int, headers: list[tuple[str, str]], tag: str | None) -> bytes:
    """`tag`: of our end of the dialogue, in To, unless the request has one."""
    reason = REASONS.get(code) or (http.HTTPStatus(code).phrase if code in set(http.HTTPStatus) else "Refused")
    lines = [f"SIP/2.0 {code} {reason}"]
    for name, value in headers:
        if name in COPIED:
            more = f";tag={tag}" if name == "to" and tag and ";tag=" not in value else ""
            lines.append(f"{name.title()}: {value}{more}")
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()
