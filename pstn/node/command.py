"""`duologue-pstn serve`: one node, until SIGTERM. README.md has its settings, which are environment variables."""

import argparse
import os
import signal
import sys
from collections.abc import Collection, Iterable, Sequence

from pstn.lines import Line
from pstn.lines.sip.child import ChildError
from pstn.lines.trunk.line import TrunkLine, trunk_line
from pstn.lines.trunk.settings import TrunkSettings
from pstn.node import aws, functions, logs
from pstn.node.metrics import StationStats
from pstn.node.node import MOST_LAMBDAS, Clients, Node, new_id
from pstn.node.settings import NodeSettings, SettingsError, read, table
from pstn.trunks import trunk_file
from pstn.trunks.trunk_file import TrunkFileError


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 it left in order; 1 it did not, or could not start; 2 wrong arguments."""
    argparse.ArgumentParser(
        prog="duologue-pstn serve",
        description="Serve calls over SIP trunks as one node.",
        epilog=f"Settings:\n\n{table()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    node_id = new_id()
    logs.set_up(node_id)
    try:
        settings = read(os.environ)
        file = trunk_file.read(settings.trunks, beside_edges=bool(settings.edges))
        lines = TrunkSettings(file, tuple(map(str, settings.edges)), settings.stations, settings.calls_per_station)
        if faults := lines.faults():
            raise ValueError("\n".join(faults))
        clients = clients_of(settings)
        node = Node(settings, file.display_numbers, clients, trunk_line(lines), TrunkFacts, node_id=node_id)
    except (SettingsError, TrunkFileError, ChildError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: node.term())
    node.start()
    return node.run()


def clients_of(settings: NodeSettings) -> Clients:
    """With the credentials that botocore finds: of the machine's role."""
    region = settings.region
    return Clients(
        dynamodb=aws.client("dynamodb", region, connect_s=1.5, read_s=2.0, attempts=1),
        functions=aws.client(
            "lambda",
            region,
            connect_s=functions.CONNECT_S,
            read_s=functions.ANSWER_S,
            attempts=1,
            connections=MOST_LAMBDAS,
        ),
        s3=aws.client("s3", region, connect_s=3.0, read_s=20.0, attempts=3, connections=MOST_LAMBDAS),
    )


class TrunkFacts:
    """Of a line over SIP trunks."""

    def __init__(self, line: Line) -> None:
        assert isinstance(line, TrunkLine)
        self._line = line

    @property
    def room(self) -> int:
        return self._line.room

    @property
    def sip_ports(self) -> Collection[int]:
        return self._line.settings.sip_ports

    def stations(self) -> Iterable[StationStats]:
        for station in self._line.stations:
            if stats := station.stats:
                yield StationStats(station.name, stats["cpu"], stats["ticks"], stats["late"])

    def recorded_from(self, recording_id: str, offset: int) -> bytes | None:
        found = (station.recordings.read_from(recording_id, offset) for station in self._line.stations)
        return next((samples for samples in found if samples is not None), None)
