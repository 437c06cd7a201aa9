"""What a lab with `Carrier: sip` has besides: a telephone company with its trunk, nodes, and an edge if wanted."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lab.nodes import edge_process
from lab.nodes.company import Company, CompanyLine
from lab.nodes.edge_process import EdgeProcess
from lab.nodes.followed_calls import FollowedCalls
from lab.nodes.node_processes import NodeProcesses
from pstn.exchange import Exchange
from pstn.feed import NetworkEvent, tell
from pstn.lines.sip.child import free_port


class SipCarrier:
    """Call `prepare` before the stack is deployed and `start` after it; `stop` is safe to repeat.

    Args:
        nodes: how many.
        edge: whether Kamailio and rtpengine stand between them and the trunk.
    """

    def __init__(self, processes: NodeProcesses, folder: Path, nodes: int, *, edge: bool) -> None:
        self._processes, self._folder, self._wanted, self._with_edge = processes, folder, nodes, edge
        self._company: Company | None = None
        self._edge: EdgeProcess | None = None

    def prepare(self) -> dict[str, str]:
        """Returns the template's parameters."""
        return self._processes.prepare()

    def start(self, exchange: Exchange, numbers: Sequence[str], outputs: Mapping[str, str]) -> None:
        """`exchange`: of the phones. Raises: ProcessError."""
        assert isinstance(exchange.line, CompanyLine)
        self._company = Company(exchange.line)
        trunk = {
            "name": "company",
            "hosts": [self._company.address],
            "display_numbers": list(numbers),
            "calls": 1_000,
            "calls_per_second": 100,
        }
        if not self._with_edge:
            self._processes.start(self._wanted, trunk, outputs)
            self._company.lead(numbers, self._processes.sip_addresses[0])
            return
        inside = free_port(edge_process.INSIDE)
        edges = [f"{edge_process.INSIDE}:{inside}"]
        self._processes.start(self._wanted, trunk, outputs, edge_process.NODES, edges)
        self._edge = EdgeProcess(self._folder, trunk, self._processes.sip_addresses, inside)
        self._company.lead(numbers, self._edge.outside)

    def words(self) -> str:
        """What runs, and where: for whoever started it."""
        assert self._company
        nodes = ", ".join(self._processes.sip_addresses)
        if self._edge:
            edge = f"Kamailio and rtpengine. Trunks see it at {self._edge.outside}. Configuration: {self._folder}/edge"
            edge += f"\n          logs: {self._folder}/kamailio.log, rtpengine.log; metrics: {self._edge.metrics}"
        else:
            edge = f"none, so nodes dial the trunk themselves: {edge_process.missing() or 'not wanted'}"
        return f"""Carrier=sip: every call goes over a node, the edge and a trunk, all on this machine.

  node    {nodes} (SIP), `duologue-pstn serve`. Trunk file and log: {self._processes.folder}/trunks-0.yaml, node-0.log
  edge    {edge}
  trunk   of a telephone company at {self._company.address}, which has the telephones below
"""

    def drain(self) -> None:
        """Let all nodes leave, which are not replaced; returns when the calls that are up have ended."""
        self._processes.drain()

    def stop(self) -> None:
        self._processes.stop()
        if self._edge:
            self._edge.close()
            self._edge = None
        if self._company:
            self._company.close()
            self._company = None


def followed(function: str, exchange: Exchange) -> FollowedCalls:
    """The calls of nodes that tell this function, in the feed of the phones' exchange."""
    line = exchange.line
    assert isinstance(line, CompanyLine)

    def observe(event: NetworkEvent) -> None:
        tell(exchange.observers, event, exchange.note_broken)

    def in_turn(run: Callable[[str, str], None]) -> Callable[[str, str], None]:
        return lambda number, other: exchange.in_turn(lambda: run(number, other))

    return FollowedCalls(function, observe, in_turn(lambda number, _: line.waits(number)), in_turn(line.joined))
