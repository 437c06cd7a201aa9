"""The lines for CloudWatch that a machine writes of a real edge: what a trunk does, and what dies."""

import json

from pstn.host.edge_metrics import EdgeMetrics, page_at, rtpengine_at
from tests.e2e.trunk.edge.calls import places
from tests.e2e.trunk.edge.peer import Peer, sdp
from tests.e2e.trunk.edge.running import SHOWN, Edge, needs_edge
from tests.e2e.waiting import until

pytestmark = needs_edge


def _trunk(net: str, name: str, last: int, **rows) -> dict:
    number = f"{SHOWN[:-1]}{last}"
    rows = {"options_every": 5, **rows}
    return {"name": name, "hosts": [f"{net}.{last}:15070"], "display_numbers": [number], **rows}


class Machine:
    def __init__(self, edge: Edge) -> None:
        page, rtpengine = page_at(f"http://{edge.control}:19101/metrics"), rtpengine_at(f"{edge.control}:12222")
        self._source = EdgeMetrics("logs", "edge", page, rtpengine)

    def says(self) -> dict[str | None, dict]:
        """Trunk, None for the edge itself → its line."""
        return {line.get("Trunk"): line for line in map(json.loads, self._source(1.0))}

    def edge(self) -> tuple[float, float]:
        said = self.says()
        assert None in said
        return said[None]["KamailioUp"], said[None]["RtpengineUp"]


def test_a_trunk_that_is_down_one_that_refuses_us_and_one_that_is_full(tmp_path, net):
    account = {"digest": {"user": "acme", "secret": {"env": "TRUNK_SECRET"}}, "registration": {"expires": 600}}
    trunks = [_trunk(net, "down", 4), _trunk(net, "refuses", 5, **account), _trunk(net, "full", 6, calls=1)]
    with (
        Edge(tmp_path, net, trunks) as edge,
        edge.node() as node,
        Peer(f"{net}.5", 15070) as refuses,
        Peer(f"{net}.6", 15070) as full,
    ):
        refuses.answer(refuses.next("REGISTER"), 200)
        edge.sees(False, "down")
        edge.sees(True, "refuses", "full")
        until(lambda: edge.metrics().get('kamailio_edge_registered{trunk="refuses"}') == 1)
        counters = [f'kamailio_edge_{name}{{trunk="full"}}' for name in ("invites", "failovers", "refused", "limited")]
        assert [edge.metrics()[name] for name in counters] == [0] * len(counters)
        machine = Machine(edge)
        before = machine.says()
        assert {name: before[name]["TrunkUp"] for name in ("down", "refuses", "full")} == {
            "down": 0, "refuses": 1, "full": 1,
        }  # fmt: skip
        assert before["refuses"]["Registered"] == 1 and "Registered" not in before["full"]

        for _ in range(2):
            places(node, edge, shown=f"{SHOWN[:-1]}5")
            refuses.answer(refuses.next("INVITE"), 403)
            node.next("403")
        places(node, edge, shown=f"{SHOWN[:-1]}6")
        full.answer(full.next("INVITE"), 183, body=sdp(full.host, 42000))
        node.next("183")
        places(node, edge, shown=f"{SHOWN[:-1]}6")
        node.next("503")
        after, later = machine.says(), machine.says()
        assert [said["refuses"]["CredentialsRefused"] for said in (before, after, later)] == [0, 2, 0]
        assert [said["full"]["LimitRefusals"] for said in (before, after, later)] == [0, 1, 0]
        assert [said["full"]["Calls"] for said in (before, after)] == [0, 1]
        assert [after["down"][name] for name in ("CredentialsRefused", "LimitRefusals", "Calls")] == [0, 0, 0]


def test_a_registration_that_is_refused(tmp_path, net):
    trunk = _trunk(net, "refuses", 4, digest={"user": "acme", "secret": {"env": "TRUNK_SECRET"}}, registration={})
    with Peer(f"{net}.4", 15070) as far, Edge(tmp_path, net, [trunk]) as edge:
        machine = Machine(edge)
        assert machine.says()["refuses"]["CredentialsRefused"] == 0
        far.answer(far.next("REGISTER"), 403)
        until(lambda: machine.says()["refuses"]["CredentialsRefused"] == 1)
        assert machine.says()["refuses"]["Registered"] == 0


def test_what_dies_is_said(tmp_path, net):
    """A page that cannot be read is a 0. And what a new Kamailio counts is counted from 0."""
    with Peer(f"{net}.4", 15070) as trunk, Edge(tmp_path, net, [_trunk(net, "one", 4)]) as edge, edge.node() as node:

        def is_refused() -> None:
            places(node, edge, shown=f"{SHOWN[:-1]}4")
            trunk.answer(trunk.next("INVITE"), 403)
            node.next("403")

        is_refused()
        is_refused()
        machine = Machine(edge)
        assert machine.edge() == (1, 1)
        edge.kill_kamailio()
        assert machine.edge() == (0, 1)
        edge.start_kamailio()
        is_refused()
        said = machine.says()
        assert (said["one"]["CredentialsRefused"], said[None]["KamailioUp"]) == (1, 1)
        edge.rtpengine.kill()
        edge.rtpengine.wait()
        assert machine.edge() == (1, 0)
