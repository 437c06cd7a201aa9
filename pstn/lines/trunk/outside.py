"""The SIP sockets that leave loopback, all of them bound to the trunk's interface: UDP, TCP and TLS.

Rule 1: what comes from an address of no trunk is dropped before it is parsed: by the kernel on Linux, and here.
Rule 2: a connection that we open goes to a host of a trunk, and its certificate is checked as the trunk's rows say.
"""

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from pstn.lines.trunk import stun
from pstn.lines.trunk.socket_filter import only_from
from pstn.trunks.tls_context import client_context, show

RESOLVE_EVERY_S, RESOLVE_S = 60.0, 5.0
"""How often names are looked up, and how long that may take."""
NAME_S = 7500.0
"""For so long an address counts as that of a name that no longer has it: calls go on over it (as at the edge)."""
STUN_S = 2.0
"""How long the start waits for the STUN server."""
KEEP_ALIVE_S, KEEP_ALIVE = 25.0, b"\r\n\r\n"
"""RFC 5626 §3.5.1: it keeps the way through a NAT open. Ours is also an idle connection's sign of life."""
DEAD_MS = 20_000
"""For so long what was sent may be unacknowledged until a connection counts as broken: a NAT or a host forgot it, and
the kernel would wait for a quarter of an hour. Keep-alives are sent over an idle one, so it is noticed there too."""
MOST_BYTES = 65_535
"""Of one message on a connection."""
MOST_CONNECTIONS = 200
"""That others opened."""
log = logging.getLogger("sip-gateway")


@dataclass
class TrunkRows:
    """What this process knows of a trunk: no secrets. `tls`: the rows of that name."""

    name: str
    hosts: list[tuple[str, int]]
    transport: str
    tls: dict[str, Any]
    realm: str | None
    no_answer_s: float
    inbound_from: list[str]
    behind_nat: bool
    """It sees our public address; False: the edge, on our own network."""
    codecs: list[str]
    srtp: str
    networks: set[IPv4Network] = field(default_factory=set)
    """Where its messages come from: `inbound_from`, and the addresses of its hosts."""
    places: set[tuple[str, int]] = field(default_factory=set)
    """The addresses of its hosts, with their ports."""
    sees: tuple[str, int] | None = None
    """Our address and port as its latest answer told them (RFC 3581): what a NAT made of them."""


class Peer:
    """Where a message goes, and where one came from: an address over UDP, or a connection."""

    transport = "udp"

    def __init__(self, address: tuple[str, int], send: Callable[[bytes], None]) -> None:
        self.address, self.send = address, send
        self.closed = False


Take = Callable[[bytes, Peer, list[TrunkRows]], None]


class Outside:
    """`take` gets each message, from whom, and the trunks with that address: two may be accounts of one company."""

    def __init__(self, address: str, port: int, trunks: list[TrunkRows], stun_server: str | None, take: Take) -> None:
        self.address, self.port = address, port
        self.learned: str | None = None
        """Our public address, as the STUN server saw it."""
        self._trunks, self._take, self._stun = trunks, take, stun_server
        self._stun_at: tuple[str, int] | None = None
        self._asked = b""
        self._heard_stun = asyncio.Event()
        self._resolved: dict[str, str] = {}
        self._found: dict[str, dict[str, float]] = {}
        """Name → each of its addresses, with when it was last found (time of the loop)."""
        self._streams: dict[tuple[str, str, int], Stream] = {}
        self._accepted: set[Stream] = set()
        self._servers: list[asyncio.Server] = []
        self._udp: asyncio.DatagramTransport
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Raises: OSError: a port is in use, or a certificate cannot be read."""
        loop = asyncio.get_running_loop()
        await self._resolve()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), (self.address, self.port))
        kinds = {trunk.transport for trunk in self._trunks}
        if "tcp" in kinds:
            self._servers.append(await loop.create_server(lambda: Stream(self), self.address, self.port))
        ours = next((trunk for trunk in self._trunks if trunk.tls.get("certificate")), None)
        if ours:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            show(context, Path(ours.tls["certificate"]), Path(ours.tls["key"]))
            served = await loop.create_server(lambda: Stream(self), self.address, self.port + 1, ssl=context)
            self._servers.append(served)
        self._filter()
        self._tasks = [loop.create_task(self._keep_resolved()), loop.create_task(self._keep_alive())]
        if self._stun_at:
            with suppress(TimeoutError):  # calls can be made without it
                await asyncio.wait_for(self._heard_stun.wait(), STUN_S)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for server in self._servers:
            server.close()
        for stream in [*self._streams.values(), *self._accepted]:
            stream.close()
        self._udp.close()

    def send_udp(self, data: bytes, to: tuple[str, int]) -> None:
        self._udp.sendto(data, to)

    async def peer(self, trunk: TrunkRows, host: str, port: int) -> Peer:
        """The way to one of its hosts. Raises: OSError (ssl.SSLError is one): it cannot be reached."""
        ip = await self._address_of(host)
        if trunk.transport == "udp":
            return self.udp_peer((ip, port))
        key = (trunk.name, ip, port)
        known = self._streams.get(key)
        if known is None or known.peer.closed:
            known = self._streams[key] = await self._connect(trunk, host, ip, port)
        return known.peer

    def udp_peer(self, to: tuple[str, int]) -> Peer:
        return Peer(to, lambda data: self.send_udp(data, to))

    async def _connect(self, trunk: TrunkRows, host: str, ip: str, port: int) -> "Stream":
        stream = Stream(self, [trunk])
        tls = _client_context(trunk.tls) if trunk.transport == "tls" else None
        connecting = asyncio.get_running_loop().create_connection(
            lambda: stream,
            ip,
            port,
            ssl=tls,
            server_hostname=(trunk.tls.get("name") or host) if tls else None,
            local_addr=(self.address, 0),
        )
        await connecting
        return stream

    def trunks_at(self, source: tuple[str, int]) -> list[TrunkRows]:
        """The trunks with this address; those with this port, too, are first."""
        address = IPv4Address(source[0])
        found = [each for each in self._trunks if any(address in one for one in each.networks)]
        return sorted(found, key=lambda each: source not in each.places)

    def received(self, data: bytes, source: tuple[str, int]) -> None:
        """A datagram."""
        if source == self._stun_at:
            self.learned = stun.mapped_address(data, self._asked) or self.learned
            self._heard_stun.set()
        elif trunks := self.trunks_at(source):
            self._take(data, self.udp_peer(source), trunks)

    def accepted(self, stream: "Stream") -> bool:
        """Whether somebody who connects is a trunk."""
        stream.trunks = self.trunks_at(stream.peer.address)
        self._accepted = {each for each in self._accepted if not each.peer.closed}
        if not stream.trunks or len(self._accepted) >= MOST_CONNECTIONS:
            return False
        self._accepted.add(stream)
        return True

    def message(self, data: bytes, stream: "Stream") -> None:
        self._take(data, stream.peer, stream.trunks)

    # -- names and addresses
    async def _resolve(self) -> None:
        """Look all hosts up. A name that has no address now keeps the one that it had."""
        names = {host for trunk in self._trunks for host, _ in trunk.hosts}
        stun_host, _, stun_port = (self._stun or "").partition(":")
        await asyncio.gather(*map(self._look_up, names | {stun_host} - {""}))
        for trunk in self._trunks:
            trunk.places = {(self._resolved[host], port) for host, port in trunk.hosts if host in self._resolved}
            addresses = [ip for host, _ in trunk.hosts for ip in self._found.get(host, ())]
            trunk.networks = {IPv4Network(each) for each in (*trunk.inbound_from, *addresses)}
        if stun_host in self._resolved:
            self._stun_at = self._resolved[stun_host], int(stun_port or stun.PORT)

    async def _look_up(self, host: str) -> None:
        try:
            await asyncio.wait_for(self._address_of(host, again=True), RESOLVE_S)
        except (OSError, TimeoutError) as error:
            log.warning("%s: %s", host, error or "no answer from DNS")

    async def _address_of(self, host: str, *, again: bool = False) -> str:
        """Raises: OSError."""
        if again or host not in self._resolved:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, None, family=socket.AF_INET)
            now, addresses = loop.time(), [str(each[4][0]) for each in found]
            if self._resolved.get(host) not in addresses:  # a resolver gives several in turn
                self._resolved[host] = addresses[0]
            kept = {ip: at for ip, at in self._found.get(host, {}).items() if now - at < NAME_S}
            self._found[host] = kept | dict.fromkeys(addresses, now)
        return self._resolved[host]

    def _filter(self) -> None:
        allowed = {network for trunk in self._trunks for network in trunk.networks}
        if self._stun_at:
            allowed.add(IPv4Network(self._stun_at[0]))
        listening = [each for server in self._servers for each in server.sockets]
        for one in [self._udp.get_extra_info("socket"), *listening]:
            only_from(sorted(allowed), one.fileno())

    async def _keep_resolved(self) -> None:
        while True:
            if self._stun_at:
                self._asked = stun.request()
                self.send_udp(self._asked, self._stun_at)
            await asyncio.sleep(RESOLVE_EVERY_S)
            await self._resolve()
            self._filter()

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_S)
            for trunk in self._trunks:
                if trunk.transport == "udp" and trunk.behind_nat:
                    for host, port in trunk.hosts:
                        if ip := self._resolved.get(host):
                            self.send_udp(KEEP_ALIVE, (ip, port))
            for stream in [*self._streams.values(), *self._accepted]:
                stream.peer.send(KEEP_ALIVE)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        self._outside.received(data, source)


class Stream(asyncio.Protocol):
    """A connection over TCP or TLS, and the messages on it (RFC 3261 §18.3). `trunks`: empty until it is accepted."""

    peer: Peer

    def __init__(self, outside: Outside, trunks: list[TrunkRows] | None = None) -> None:
        self.trunks = trunks or []
        self._outside = outside
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if sys.platform == "linux":
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_MS)
        self.peer = Peer(transport.get_extra_info("peername")[:2], self._send)
        self.peer.transport = "tls" if transport.get_extra_info("ssl_object") else "tcp"
        if not self.trunks and not self._outside.accepted(self):
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.peer.closed = True

    def close(self) -> None:
        self.peer.closed = True
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while not self.peer.closed:
            self._received = self._received.lstrip(b"\r\n")  # keep-alives
            head, blank, body = self._received.partition(b"\r\n\r\n")
            length = _content_length(head) if blank else None
            if len(self._received) > MOST_BYTES or (blank and length is None):
                self.close()
            if length is None or len(body) < length:
                return
            message, self._received = head + blank + body[:length], body[length:]
            self._outside.message(message, self)

    def _send(self, data: bytes) -> None:
        if not self.peer.closed:
            self._transport.write(data)


def _content_length(head: bytes) -> int | None:
    """None: there is none, so nobody knows where the message ends."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() in (b"content-length", b"l") and value.strip().isdigit():
            return int(value)
    return None


def _client_context(tls: dict[str, Any]) -> ssl.SSLContext:
    """Raises: TlsFileError."""
    ca, certificate, key = (Path(tls[row]) if tls.get(row) else None for row in ("ca", "certificate", "key"))
    return client_context(ca, certificate, key, verify=tls.get("verify", True))
