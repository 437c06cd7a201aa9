"""What the telephone company's SIP servers received and sent: one line of JSON for each request and response.

Kamailio sends each message to a collector by HEP 3 (module siptrace), after TLS was removed.
"""

import asyncio
import json
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from pstn.sip_messages import lines_of

PORT = 9060
_PROTOCOLS = {17: "udp", 6: "tcp"}
_SOURCE, _TARGET, _SOURCE_PORT, _TARGET_PORT, _SECONDS, _MICROSECONDS, _PAYLOAD, _PROTOCOL = 3, 4, 7, 8, 9, 10, 15, 2
"""Kinds of chunk of HEP 3 that are read here."""


@dataclass(frozen=True)
class Message:
    """`at`: Unix seconds. `source`, `target`: address:port. `first`: the request line or status line.

    `headers`: in their order, with long names in lower case.
    """

    at: float
    source: str
    target: str
    first: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def method(self) -> str:
        """Of a request; of a response, that of its CSeq."""
        return self.value("cseq").partition(" ")[2] if self.status else self.first.partition(" ")[0]

    @property
    def status(self) -> int:
        """0: it is a request."""
        return int(self.first.split(" ")[1]) if self.first.startswith("SIP/2.0 ") else 0

    @property
    def call_id(self) -> str:
        return self.value("call-id")

    def value(self, name: str) -> str:
        """The first header of that name; empty if there is none."""
        return next((value for each, value in self.headers if each == name), "")


class MessageLog(asyncio.DatagramProtocol):
    """The collector, and its file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._out = file.open("a", encoding="utf-8", buffering=1)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        chunks = _chunks(data)
        text = chunks.get(_PAYLOAD, b"")
        if not text.strip():
            return
        first, headers, body = lines_of(text.strip(b"\0"))
        line = {
            "at": int.from_bytes(chunks[_SECONDS]) + int.from_bytes(chunks[_MICROSECONDS]) / 1e6,
            "source": f"{IPv4Address(chunks[_SOURCE])}:{int.from_bytes(chunks[_SOURCE_PORT])}",
            "target": f"{IPv4Address(chunks[_TARGET])}:{int.from_bytes(chunks[_TARGET_PORT])}",
            "first": first,
            "headers": headers,
            "body": body.decode("utf-8", "replace"),
        }
        self._out.write(json.dumps(line) + "\n")

    def close(self) -> None:
        self._out.close()

    def messages(self) -> list[Message]:
        """All so far, but one that is being written."""
        whole, _, _ = self.file.read_text(encoding="utf-8").rpartition("\n")
        return [_message(json.loads(line)) for line in whole.splitlines()]


def _message(line: dict[str, Any]) -> Message:
    return Message(**{**line, "headers": tuple((name, value) for name, value in line["headers"])})


def _chunks(data: bytes) -> dict[int, bytes]:
    """Kind → value: after `HEP3` and the length, chunks of vendor, kind and length (16 bits each) and a value."""
    found: dict[int, bytes] = {}
    at = 6
    while data.startswith(b"HEP3") and at + 6 <= len(data):
        _, kind, length = struct.unpack_from("!HHH", data, at)
        found[kind] = data[at + 6 : at + length]
        at += max(length, 6)
    return found
