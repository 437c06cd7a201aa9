"""Options of the line over SIP trunks."""

import re
import socket
from dataclasses import dataclass

from pstn.trunks.interface import address_of
from pstn.trunks.tls_context import TlsFileError, client_context
from pstn.trunks.trunk_file import Trunk, TrunkFile

SPOKEN = ("pcmu", "pcma")
"""The codecs of a station, whose media thread has 8,000 samples a second."""
UNQUOTED = re.compile(r'[^"\\\x00-\x1f\x7f]+')
"""What the SIP library takes as a password."""
EDGE = "(edge)"
"""Names the edges among the trunks of a station; no trunk of a file can have this name."""
MOST_PER_SECOND, MOST_CALLS = 1_000, 10_000
PORTS_PER_STATION = 2
"""SIP over UDP and TCP, and the next one for TLS."""
PORTS_PER_CALL = 4
"""RTP and RTCP of two legs."""


@dataclass(frozen=True)
class TrunkSettings:
    """`file`: the trunks. `edges`: host:port of each; they are asked instead of the trunks whose row `edge` is true.

    `stations`: processes, one for each core. `calls_per_station`: callbacks, of two legs each; 60 keep one core busy.
    `silence_s`: after so many seconds without RTP, a leg that is not on hold has lost its far end.
    `interface`: address or name of the interface; None: the one of the file.
    """

    file: TrunkFile
    edges: tuple[str, ...] = ()
    stations: int = 1
    calls_per_station: int = 60
    silence_s: int = 20
    interface: str | None = None

    def __post_init__(self) -> None:
        """Raises: ValueError."""
        for trunk in self.trunks:
            if not codecs(trunk):
                raise ValueError(f"trunk {trunk.name}: codecs: dialled directly, it needs {' or '.join(SPOKEN)}")
            if trunk.digest and not UNQUOTED.fullmatch(trunk.digest.secret.get_secret_value()):
                raise ValueError(
                    f"trunk {trunk.name}: digest.secret: dialled directly, it may have no quote or backslash"
                )

    @property
    def sip_ports(self) -> tuple[int, ...]:
        """Of the stations, in their order."""
        return tuple(self.file.sip_port + PORTS_PER_STATION * index for index in range(self.stations))

    @property
    def ports_per_station(self) -> int:
        """Of RTP and RTCP: its share of `rtp_ports`."""
        least, most = map(int, self.file.rtp_ports.split("-"))
        return (most - least + 1) // self.stations // 2 * 2

    @property
    def room_per_station(self) -> int:
        """Callbacks that its ports allow, `calls_per_station` at most."""
        return min(self.calls_per_station, self.ports_per_station // PORTS_PER_CALL)

    @property
    def address(self) -> str:
        """Of the interface. Raises: ValueError: there is no such interface, or it has no IPv4 address."""
        return address_of(self.interface or self.file.interface)

    def faults(self) -> list[str]:
        """What keeps the line from starting on this machine now, with the row of each. Raises: as `address`."""
        found = []
        for trunk in self.trunks:
            tls = trunk.tls
            try:
                client_context(tls.ca, tls.certificate, tls.key)
            except TlsFileError as error:
                found.append(f"trunk {trunk.name}: {error.row}: {error}")
        for port in self.sip_ports:
            place = self.address, port
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.bind(place)
                except OSError as error:
                    what = f"{place[0]}:{port} over UDP: {error.strerror}"
                    found.append(
                        f"sip_port: {what}. Stop the `make up`, node or softphone that has it, or write another"
                    )
        return found

    def ways(self, display_number: str) -> tuple[Trunk, ...]:
        """The trunks that this process asks for a call with this display number, in order; edges count as one."""
        own = self.file.trunks_for(display_number)
        edge = self.edge
        if edge is None:
            return own
        direct = tuple(trunk for trunk in own if not trunk.edge)
        return (edge, *direct) if len(direct) < len(own) else direct

    @property
    def edge(self) -> Trunk | None:
        """The edges as one trunk, which gets plain SIP and E.164 and has no limits of its own."""
        if not self.edges:
            return None
        rows = {
            "name": "edge",
            "hosts": list(self.edges),
            "display_numbers": list(self.file.display_numbers),
            "calls": MOST_CALLS,
            "calls_per_second": MOST_PER_SECOND,
            "no_answer_seconds": 2.0,
        }
        return Trunk.model_validate(rows).model_copy(update={"name": EDGE})

    @property
    def trunks(self) -> tuple[Trunk, ...]:
        """All that this process dials, and takes calls from."""
        direct = tuple(trunk for trunk in self.file.trunks if not (self.edges and trunk.edge))
        return (self.edge, *direct) if self.edge else direct


def codecs(trunk: Trunk) -> list[str]:
    """Those that are offered, in the trunk's order."""
    return [codec for codec in trunk.codecs if codec in SPOKEN]
