"""One connection to a host of a trunk: requests outside a dialogue, and their responses.

UDP requests are repeated as in RFC 3261 §17.1.2.1. Requests of the far end are ignored: a check serves none.
"""

import asyncio
import re
import secrets
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from pstn.sip_messages import Headers, Response, parsed_response, written

T1_S, T2_S = 0.5, 4.0
"""RFC 3261 §17.1.1.1."""
MOST_BYTES = 65_536
AGENT = "duologue-pstn trunk check"
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,6})", re.IGNORECASE | re.MULTILINE)
_SEEN = {"received": re.compile(r";\s*received=([0-9.]+)"), "rport": re.compile(r";\s*rport=([0-9]{1,5})")}


class NoAnswer(Exception):
    """Nothing came in time."""


@dataclass(frozen=True)
class Answer:
    """A final response, `seconds` after the request."""

    response: Response
    seconds: float

    @property
    def seen_at(self) -> tuple[str | None, int | None]:
        """The address and port from which the host says that the request came (RFC 3581); None: it does not say."""
        via = self.response.value("via")
        address, port = _SEEN["received"].search(via), _SEEN["rport"].search(via)
        return address and address[1], int(port[1]) if port else None


class Connection:
    """Open with `udp` or `stream`; `close` afterwards. `local`: our address and port."""

    def __init__(self, transport: str, patience_s: float) -> None:
        self.transport, self.patience_s = transport, patience_s
        self.local = ("", 0)
        self.tls: ssl.SSLObject | None = None
        self._heard: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self._call_id, self._tag, self._count = secrets.token_hex(12), secrets.token_hex(6), 0
        self._out: Any
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def udp(cls, local: str, target: tuple[str, int], patience_s: float) -> Self:
        """Raises: OSError."""
        self = cls("udp", patience_s)
        loop = asyncio.get_running_loop()
        self._out, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._heard), local_addr=(local, 0), remote_addr=target
        )
        self.local = self._out.get_extra_info("sockname")[:2]
        return self

    @classmethod
    async def stream(
        cls, local: str, target: tuple[str, int], patience_s: float, context: ssl.SSLContext | None, name: str
    ) -> Self:
        """`context` None: without TLS. `name`: that the certificate must bear. Raises: OSError, TimeoutError."""
        self = cls("tls" if context else "tcp", patience_s)
        async with asyncio.timeout(patience_s):
            reader, self._out = await asyncio.open_connection(
                *target, local_addr=(local, 0), ssl=context, server_hostname=name if context else None
            )
        self.local, self.tls = (self._out.get_extra_info(key) for key in ("sockname", "ssl_object"))
        self._reading = asyncio.create_task(self._read(reader))
        return self

    async def close(self) -> None:
        if self._reading:
            self._reading.cancel()
        self._out.abort() if self.transport == "udp" else self._out.transport.abort()

    async def ask(self, method: str, uri: str, us: str, them: str, *more: tuple[str, str]) -> Answer:
        """Send a request and wait for its final response. `us`, `them`: URIs of From and To.

        Raises: NoAnswer, OSError.
        """
        self._count += 1
        place, cseq = f"{self.local[0]}:{self.local[1]}", f"{self._count} {method}"
        headers: Headers = (
            ("via", f"SIP/2.0/{self.transport.upper()} {place};branch=z9hG4bK{secrets.token_hex(10)};rport"),
            ("max-forwards", "70"),
            ("from", f"<{us}>;tag={self._tag}"),
            ("to", f"<{them}>"),
            ("call-id", self._call_id),
            ("cseq", cseq),
            *more,
            ("user-agent", AGENT),
            ("content-length", "0"),
        )
        message, since = written(f"{method} {uri} SIP/2.0", headers), time.monotonic()
        try:
            async with asyncio.timeout(self.patience_s):
                sending = asyncio.create_task(self._send(message))
                try:
                    return Answer(await self._final(cseq), time.monotonic() - since)
                finally:
                    sending.cancel()
        except TimeoutError:
            raise NoAnswer from None

    async def _send(self, message: bytes) -> None:
        wait = T1_S
        while self.transport == "udp":
            self._out.sendto(message)
            await asyncio.sleep(wait)
            wait = min(2 * wait, T2_S)
        self._out.write(message)

    async def _final(self, cseq: str) -> Response:
        while True:
            heard = await self._heard.get()
            if isinstance(heard, OSError):
                raise heard
            response = parsed_response(heard)
            about = response and (response.value("call-id"), " ".join(response.value("cseq").split()))
            if response and about == (self._call_id, cseq) and response.status >= 200:
                return response

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lstrip(b"\r\n")  # keep-alives (RFC 5626 §3.5.1)
                length = _LENGTH.search(head)
                body = await reader.readexactly(min(int(length[1]), MOST_BYTES)) if length else b""
                await self._heard.put(head + body)
        except OSError as error:
            await self._heard.put(error)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await self._heard.put(ConnectionResetError("the host closed the connection"))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, heard: "asyncio.Queue[bytes | OSError]") -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._heard.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        with suppress(asyncio.QueueFull):
            self._heard.put_nowait(exc if isinstance(exc, OSError) else OSError(str(exc)))
