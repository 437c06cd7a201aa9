"""The one STUN request that asks how others see our address (RFC 8489 §5, §14.2)."""

import os
import socket
import struct

PORT = 3478
BINDING_REQUEST, BINDING_SUCCESS, COOKIE, XOR_MAPPED_ADDRESS = 0x0001, 0x0101, 0x2112A442, 0x0020
IPV4 = 1


def request() -> bytes:
    return struct.pack("!HHI", BINDING_REQUEST, 0, COOKIE) + os.urandom(12)


def mapped_address(answer: bytes, request: bytes) -> str | None:
    """The IPv4 address in the answer to this request; None: it is no such answer."""
    if len(answer) < 20 or len(request) < 20 or answer[4:20] != request[4:20]:
        return None
    kind, length, _ = struct.unpack_from("!HHI", answer)
    if kind != BINDING_SUCCESS or len(answer) < 20 + length:
        return None
    at = 20
    while at + 12 <= 20 + length:
        attribute, size = struct.unpack_from("!HH", answer, at)
        if attribute == XOR_MAPPED_ADDRESS and size >= 8 and answer[at + 5] == IPV4:
            (seen,) = struct.unpack_from("!I", answer, at + 8)
            return socket.inet_ntoa(struct.pack("!I", seen ^ COOKIE))
        at += 4 + size + -size % 4
    return None
