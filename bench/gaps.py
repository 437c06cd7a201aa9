"""How evenly RTP reached telephones, from captured packets."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from lab.telco.captures import Packet

LATE_MS = 40.0
"""Twice the interval of 20 ms at which packets are sent."""


@dataclass(frozen=True)
class Gaps:
    """Of all streams together. `p999_ms`: the spacing that 999 of 1,000 do not exceed. `late`: spacings over LATE_MS.

    `lost`: sequence numbers of which no packet came, between the first and the last one of each stream.
    """

    streams: int = 0
    packets: int = 0
    p999_ms: float = 0.0
    worst_ms: float = 0.0
    late: int = 0
    lost: int = 0


def gaps(packets: Iterable[Packet], since: float, until: float) -> Gaps:
    """Of the packets that arrived in this stretch (Unix seconds).

    A stream is what one port sends to another: SIPp receives the sound of all its calls at one port.
    """
    streams: dict[tuple[object, ...], list[Packet]] = {}
    for packet in packets:
        if packet.is_rtp and since <= packet.at <= until:
            way = (packet.source, packet.source_port, packet.target, packet.target_port)
            streams.setdefault(way, []).append(packet)
    spacings = sorted(
        1000 * (later.at - earlier.at) for stream in streams.values() for earlier, later in pairwise(stream)
    )
    if not spacings:
        return Gaps(len(streams), len(streams))
    return Gaps(
        len(streams),
        sum(map(len, streams.values())),
        spacings[int(0.999 * (len(spacings) - 1))],
        spacings[-1],
        sum(spacing > LATE_MS for spacing in spacings),
        sum(_lost(stream) for stream in streams.values()),
    )


def _lost(stream: list[Packet]) -> int:
    """Sequence numbers have 16 bits; a stretch is shorter than the 22 minutes after which they begin anew."""
    first = stream[0].sequence
    numbers = {(packet.sequence - first + 0x8000 & 0xFFFF) - 0x8000 for packet in stream}
    return max(numbers) - min(numbers) + 1 - len(numbers)
