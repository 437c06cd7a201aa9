"""Nodes to ask: stubs of their API, and the adapter with a table that a test writes."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from duologue.adapters.carriers.dynamo_nodes import DynamoNodes
from duologue.adapters.carriers.node_requests import NodeRequests, NodeSecret
from duologue.adapters.carriers.sip_network import SipNetwork
from duologue.domain.calls.node import Burial, Node
from duologue.usecases.ports.network import Network
from tests.fakes.clock import FakeClock
from tests.samples import NOW, callback

SECRET = "an-example-secret-of-32-characters"
UNIQUE = "7d9f0a52-5a0e-4d7a-9d3e-0f6a1b2c3d4e"
TAKEN, CUT, SILENT = (201, ""), (0, "cut"), (0, "silent")
"""What a stub does: it takes the request, closes the connection, or does not answer."""


class StubNode:
    """A node that answers by a list, (status, code) each, and then takes everything. `seen`: path and body of each."""

    def __init__(self, *answers: tuple[int, str], check: Callable[..., str | None] = lambda *_: None) -> None:
        """`check`: the verifier of a signature, which says why it is refused."""
        seen: list[tuple[str, Any]] = []
        waiting, self.seen, over = list(answers), seen, Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                seen.append((self.path, json.loads(body)))
                status, code = waiting.pop(0) if waiting else TAKEN
                if check("POST", self.path, {name.lower(): value for name, value in self.headers.items()}, body):
                    status, code = 403, "ForbiddenException"
                if (status, code) == SILENT:
                    over.wait(10)
                if not status:
                    self.close_connection = True
                    return
                content = json.dumps({"Code": code, "Message": "no +12025550111"} if status >= 400 else {}).encode()
                self.send_response(status)
                if code:
                    self.send_header("x-amzn-ErrorType", code)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._over = over
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.address}"

    def __enter__(self) -> "StubNode":
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


class FixedSecret(NodeSecret):
    def __init__(self) -> None:
        pass

    def value(self) -> str:
        return SECRET

    renewed = value


class FixedNodes(DynamoNodes):
    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = {each.id: each for each in nodes}

    def recent(self) -> Mapping[str, Node]:
        return self.nodes

    def current(self) -> Mapping[str, Node]:
        return self.nodes


def node(name: str, address: str, *, room: int = 10, beat_at: datetime = NOW, **more: Any) -> Node:
    return Node(name, address, room, beat_at, **more)


def network_of(
    nodes: Iterable[Node], *, application: str = "duologue", secret: NodeSecret | None = None, answer_s: float = 5
) -> SipNetwork:
    """The adapter with these rows, at NOW. Nodes of equal room are asked in their order."""
    clock, falling = FakeClock(NOW), iter([1 - n / 1000 for n in range(1, 500)])
    requests = NodeRequests(secret or FixedSecret(), clock, 1, answer_s)
    return SipNetwork(FixedNodes(nodes), requests, application, clock, lambda: next(falling))


def dial(network: Network, store: Callable[[str], bool] = lambda mark: True) -> None:
    """As the flow does. `store`: hears of each mark but the first."""
    network.dial_caller(callback(), network.mark(UNIQUE), store)


class FakeNodeTable:
    """Plays `NodeTable`. `before_write`: called before each write, and may raise."""

    def __init__(self, *nodes: Node) -> None:
        self.rows = {each.id: each for each in nodes}
        self.before_write: Callable[[], None] = lambda: None

    def current(self) -> Mapping[str, Node]:
        return dict(self.rows)

    def beat(self, node_id: str, at: datetime) -> None:
        """As the node itself: one that was declared dead cannot."""
        if self.rows[node_id].burial is None:
            self.rows[node_id] = replace(self.rows[node_id], beat_at=at)

    def declare_dead(self, node: Node) -> bool:
        self.before_write()
        row = self.rows.get(node.id)
        if row is None or row.burial or row.beat_at != node.beat_at:
            return False
        self.rows[node.id] = replace(row, burial=Burial.BEGUN)
        return True

    def bury(self, node_id: str) -> None:
        self.before_write()
        if self.rows[node_id].burial:
            self.rows[node_id] = replace(self.rows[node_id], burial=Burial.DONE)
