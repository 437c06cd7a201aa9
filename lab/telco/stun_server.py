"""A STUN server: it tells a client from which address and port its request came (RFC 8489 §6, XOR-MAPPED-ADDRESS)."""

import asyncio
import struct
from ipaddress import IPv4Address
from typing import Any

PORT = 3478
_BINDING, _SUCCESS, _XOR_MAPPED_ADDRESS, _IPV4 = 0x0001, 0x0101, 0x0020, 0x01
_COOKIE = 0x2112A442


class StunServer(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if len(data) < 20 or struct.unpack_from("!H2xI", data) != (_BINDING, _COOKIE):
            return
        mapped = struct.pack("!BBHI", 0, _IPV4, addr[1] ^ _COOKIE >> 16, int(IPv4Address(addr[0])) ^ _COOKIE)
        attribute = struct.pack("!HH", _XOR_MAPPED_ADDRESS, len(mapped)) + mapped
        head = struct.pack("!HHI", _SUCCESS, len(attribute), _COOKIE) + data[8:20]
        self._transport.sendto(head + attribute, addr)  # type: ignore[attr-defined]  # see bad_trunk.py
