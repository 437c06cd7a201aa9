"""Packets captured by tcpdump, and what is judged of them: RTP streams, encrypted or not, and addresses that leaked."""

import math
import struct
import subprocess
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from lab.telco.namespaces import INSIDE, NETWORKS, Namespace

UDP, TCP = 17, 6
_STARTS_S, _LOOK_S = 60.0, 0.02
_FLUSH_S = 0.3
"""Until the packets of now are in the file: tcpdump gets them from the kernel in blocks."""
LEAST_BYTES = 1600
"""Of a stream that is judged: ten packets of G.711."""
MOST_BITS = 7.3
"""Entropy of a byte up to which sound is plain. Encrypted bytes are evenly distributed (7.88 bits in `LEAST_BYTES`);
G.711 of tones, voices and silence has 7 at most."""
PCMU, PCMA, EVENT = 0, 8, 101
"""RTP payload types; 101 is telephone-event in every offer and answer here."""
DIGITS = "0123456789*#ABCD"


@dataclass(frozen=True)
class Packet:
    """`at`: Unix seconds. `payload`: after the header of UDP or TCP."""

    at: float
    protocol: int
    source: str
    source_port: int
    target: str
    target_port: int
    payload: bytes

    @property
    def is_rtp(self) -> bool:
        """Version 2, and not RTCP (RFC 5761 §4)."""
        data = self.payload
        return self.protocol == UDP and len(data) > 12 and data[0] >> 6 == 2 and not 64 <= data[1] & 0x7F <= 95

    @property
    def codec(self) -> int:
        return self.payload[1] & 0x7F

    @property
    def sequence(self) -> int:
        return int(struct.unpack_from("!H", self.payload, 2)[0])

    @property
    def sound(self) -> bytes:
        """Without the header of RTP; contributing sources and extensions are not in use here."""
        return self.payload[12:]


class Capture:
    """tcpdump on an interface of a namespace, or (None) of this process's, until it is closed."""

    def __init__(self, namespace: Namespace | None, interface: str, file: Path, expression: str = "") -> None:
        self.file = file
        command = ["tcpdump", "-i", interface, "-U", "-n", "-s", "0", "-B", "8192", "-Z", "root", "-w", str(file)]
        with file.with_suffix(".txt").open("wb") as output:
            command += filter(None, [expression])
            command = namespace.command(*command) if namespace else command
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        give_up = time.monotonic() + _STARTS_S
        while b"listening on" not in file.with_suffix(".txt").read_bytes():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"tcpdump: {file.with_suffix('.txt').read_text()}")
            time.sleep(_LOOK_S)

    def packets(self) -> list[Packet]:
        """All so far."""
        if self._process.poll() is None:
            time.sleep(_FLUSH_S)
        return list(_packets(self.file.read_bytes()))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def plain_streams(packets: Iterable[Packet]) -> list[str]:
    """The RTP streams whose sound is not encrypted, in words."""
    streams: dict[str, bytearray] = {}
    for packet in packets:
        if packet.is_rtp:
            way = f"{packet.source}:{packet.source_port} → {packet.target}:{packet.target_port}"
            streams.setdefault(way, bytearray()).extend(packet.sound)
    return [way for way, sound in streams.items() if len(sound) >= LEAST_BYTES and entropy(sound) <= MOST_BITS]


def encrypted_streams(packets: Iterable[Packet]) -> set[tuple[str, str]]:
    """Source and target of those whose sound is encrypted."""
    packets = list(packets)
    plain = set(plain_streams(packets))
    sizes = Counter((each.source, each.source_port, each.target, each.target_port) for each in packets if each.is_rtp)
    return {
        (source, target)
        for (source, port, target, other), count in sizes.items()
        if count * 160 >= LEAST_BYTES and f"{source}:{port} → {target}:{other}" not in plain
    }


def leaks(packets: Iterable[Packet], network: str = INSIDE) -> list[str]:
    """Packets from or to this network's addresses, or that name one in clear text."""
    prefix = f"{NETWORKS[network]}."
    return [
        f"{each.source}:{each.source_port} → {each.target}:{each.target_port}: {each.payload[:60]!r}"
        for each in packets
        if each.source.startswith(prefix) or each.target.startswith(prefix) or prefix.encode() in each.payload
    ]


def entropy(data: bytes | bytearray) -> float:
    """Bits of a byte, 0 to 8."""
    return -sum(count / len(data) * math.log2(count / len(data)) for count in Counter(data).values())


def sounds(packets: Iterable[Packet], address: str, ports: range) -> list["array[int]"]:
    """What was sent to these ports in G.711, each source's (RFC 3550 §3: SSRC) by itself, in the order in which they
    began: SIPp has one port for all calls at once."""
    heard: dict[tuple[int, bytes], dict[int, array[int]]] = {}
    rounds: dict[tuple[int, bytes], int] = {}
    for each in packets:
        if each.is_rtp and each.target == address and each.target_port in ports and each.codec in _DECODED:
            stream = each.target_port, each.payload[8:12]
            port = heard.setdefault(stream, {})
            # A sequence number has 16 bits, and begins anywhere.
            turn = rounds.setdefault(stream, 0)
            if port and (max(port) & 0xFFFF) - each.sequence > 0x8000:
                turn = rounds[stream] = turn + 1
            port[turn << 16 | each.sequence] = decoded(each.sound, each.codec)
    joined = []
    for port in heard.values():
        whole = array("h")
        for _, part in sorted(port.items()):
            whole.extend(part)
        joined.append(whole)
    return joined


def decoded(sound: bytes, codec: int) -> "array[int]":
    """G.711 as 16-bit samples. `codec`: PCMU or PCMA."""
    table = _DECODED[codec]
    return array("h", (table[byte] for byte in sound))


def digits(packets: Iterable[Packet], address: str, ports: range) -> str:
    """The digits that were sent to these ports (RFC 4733), each once."""
    seen: dict[bytes, str] = {}
    for each in packets:
        if each.is_rtp and each.target == address and each.target_port in ports and each.codec == EVENT:
            seen[each.payload[4:12]] = DIGITS[each.sound[0]]  # timestamp and source: the same for one press
    return "".join(seen.values())


def _packets(data: bytes) -> Iterator[Packet]:
    """Those of IPv4 in a file of libpcap with Ethernet frames, up to the last whole one."""
    if len(data) < 24:
        return
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    at = 24
    while at + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack_from(f"{order}IIII", data, at)
        frame = data[at + 16 : at + 16 + length]
        at += 16 + length
        if len(frame) < length or frame[12:14] != b"\x08\x00":
            continue
        head = 14 + (frame[14] & 0x0F) * 4
        total = 14 + int.from_bytes(frame[16:18])  # without what Ethernet adds to short frames
        protocol = frame[23]
        if protocol not in (UDP, TCP) or len(frame) < head + 8:
            continue
        source_port, target_port = struct.unpack_from("!HH", frame, head)
        body = head + (8 if protocol == UDP else (frame[head + 12] >> 4) * 4)
        source, target = str(IPv4Address(frame[26:30])), str(IPv4Address(frame[30:34]))
        yield Packet(seconds + micros / 1e6, protocol, source, source_port, target, target_port, frame[body:total])


def _mu_law(byte: int) -> int:
    """ITU-T G.711."""
    byte = ~byte & 0xFF
    value = (((byte & 0x0F) << 3) + 132 << (byte >> 4 & 7)) - 132
    return -value if byte & 0x80 else value


def _a_law(byte: int) -> int:
    """ITU-T G.711; the even bits are inverted."""
    byte ^= 0x55
    exponent, mantissa = byte >> 4 & 7, byte & 0x0F
    value = (mantissa << 4) + 8 if exponent == 0 else (mantissa << 4) + 264 << exponent - 1
    return value if byte & 0x80 else -value


_DECODED = {PCMU: [_mu_law(byte) for byte in range(256)], PCMA: [_a_law(byte) for byte in range(256)]}
