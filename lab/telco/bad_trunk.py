"""Trunks that fail: each INVITE is refused with one code, after ringing or not, late or never; or TLS fails."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.sip.refuser import Refuser
from lab.telco.certificates import Authority
from pstn.sip_messages import Request, parsed, response

UDP_PORT, TLS_PORT = 5060, 5061


@dataclass
class BadTrunk:
    """One that answers at its address on UDP port 5060, and whose certificate on TLS port 5061 nobody vouches for.

    Attributes:
        code: what an INVITE is answered with; None: nothing is answered at all, OPTIONS neither.
        rings: a 180 comes first.
        late_s: seconds between the INVITE (or the 180) and the answer.
        headers: further headers of the answer, for example `Retry-After`.
        address: given when it is opened.
        requests: what arrived over UDP, repeated requests as well.
    """

    code: int | None = 503
    rings: bool = False
    late_s: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    address: str = ""
    requests: list[Request] = field(default_factory=list)

    @property
    def invites(self) -> int:
        """How many calls reached it."""
        return len({each.value("call-id") + each.value("cseq") for each in self.requests if each.method == "INVITE"})

    async def open(self, folder: Path) -> None:
        """On the loop of a thread in the company's namespace."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: _Peer(self), (self.address, UDP_PORT))
        authority = await asyncio.to_thread(Authority, folder, f"stranger-{self.address}")
        files = authority.issue(f"bad-{self.address}", self.address)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        await asyncio.start_server(_hang_up, self.address, TLS_PORT, ssl=context)


class _Peer(asyncio.DatagramProtocol):
    def __init__(self, trunk: BadTrunk) -> None:
        self._trunk = trunk
        self._refuser = Refuser("call-id", self._tell, trunk.headers)
        self._send: Callable[[bytes, Any], None] = lambda data, to: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._refuser.connection_made(transport)
        self._send = transport.sendto  # type: ignore[attr-defined]  # before Python 3.12 asyncio's class has no such base

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        request = parsed(data)
        if request is None:
            return
        self._trunk.requests.append(request)
        if self._trunk.code is None:
            return
        if request.method == "OPTIONS":
            self._send(response(200, request, "bad"), addr)
        else:
            self._refuser.datagram_received(data, addr)

    def _tell(self, event: dict[str, Any]) -> None:
        if event["event"] != "incoming" or self._trunk.code is None:
            return
        leg = event["leg"]
        if self._trunk.rings:
            self._refuser.say(leg, 180)
        asyncio.get_running_loop().call_later(self._trunk.late_s, self._refuser.say, leg, self._trunk.code)


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
