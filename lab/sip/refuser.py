"""A SIP address on UDP that never answers: it rings, and refuses with any given code.

The SIP library of the phones can refuse with 486 only. Server transactions as in RFC 3261 §17.2.1: a repeated INVITE
gets the last response again; a final response is repeated until it is acknowledged, for 32 s at most.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from pstn.sip_messages import Request, parsed, response

T1, T2, TIMEOUT_S = 0.5, 4.0, 32.0
"""RFC 3261 §17.1.1.1 and timer H."""


@dataclass
class Ringing:
    """One INVITE that will be refused."""

    leg: str
    request: Request
    source: tuple[str, int]
    last: bytes = b""
    final: bool = False
    again: list[asyncio.TimerHandle] = field(default_factory=list)


class Refuser(asyncio.DatagramProtocol):
    """`tell` is called with the same events as by a SIP endpoint: incoming, ended. `more`: headers of a refusal."""

    def __init__(
        self, leg_header: str, tell: Callable[[dict[str, Any]], None], more: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self._leg_header = leg_header.lower()
        self._tell = tell
        self._more = more
        self._transport: asyncio.DatagramTransport | None = None
        self._by_call: dict[str, Ringing] = {}
        self._by_leg: dict[str, Ringing] = {}
        self._ahead: dict[str, list[int]] = {}

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # cast, not isinstance: before Python 3.12 asyncio's class does not derive from DatagramTransport.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def say(self, leg: str, code: int) -> None:
        """Send 180 or the final code; kept if the INVITE has not arrived yet."""
        ringing = self._by_leg.get(leg)
        if ringing is None:
            self._ahead.setdefault(leg, []).append(code)
        elif not ringing.final:
            self._respond(ringing, code)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        request = parsed(data)
        if request is None:
            return
        method, call_id = request.method, request.value("call-id")
        known = self._by_call.get(call_id)
        if method == "INVITE" and known:
            self._send(known.last, known.source)
        elif method == "INVITE":
            self._invited(call_id, request, addr)
        elif method == "CANCEL":
            self._send(response(200 if known else 481, request, "lab"), addr)
            if known and not known.final:
                self._respond(known, 487)
        elif method == "ACK" and known:
            self._forget(call_id, known)
        elif method != "ACK":
            self._send(response(481, request, "lab"), addr)

    def _invited(self, call_id: str, request: Request, source: tuple[str, int]) -> None:
        leg = request.value(self._leg_header) or call_id
        ringing = Ringing(leg, request, source)
        self._by_call[call_id] = self._by_leg[leg] = ringing
        self._respond(ringing, 100)
        self._tell({"event": "incoming", "leg": leg, "from": request.value("from"), "to": request.value("to")})
        for code in self._ahead.pop(leg, []):
            self.say(leg, code)

    def _respond(self, ringing: Ringing, code: int) -> None:
        more = self._more if code >= 300 else ()
        ringing.last = response(code, ringing.request, None if code == 100 else ringing.leg, *more)
        self._send(ringing.last, ringing.source)
        if code < 200:
            return
        ringing.final = True
        loop, wait, total = asyncio.get_running_loop(), T1, T1
        while total < TIMEOUT_S:
            ringing.again.append(loop.call_later(total, self._send, ringing.last, ringing.source))
            wait = min(2 * wait, T2)
            total += wait
        call_id = ringing.request.value("call-id")
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
