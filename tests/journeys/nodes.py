"""Carrier sip before the exchange in memory: nodes that a journey may kill, and the requests to them without HTTP."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from duologue.adapters.carriers.node_requests import NodeRefused, NodeRequests, NotReached
from duologue.domain.calls.node import Node
from duologue.usecases.ports.outside import Clock
from pstn.exchange import Exchange
from pstn.refusals import ServiceRefusal
from tests.nodes import FakeNodeTable, node

HEARTBEAT_S = 5


class Nodes(FakeNodeTable):
    """The table. All the nodes are one exchange: `current` is the one that has the calls that are made now."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._started = clock.now()
        self.alive = ""
        self.start()

    def start(self) -> None:
        """A new node, which has no calls yet."""
        self.alive = uuid4().hex[:8]
        self.rows[self.alive] = node(self.alive, self.alive, beat_at=self._clock.now())

    def new_transaction(self) -> str:
        return f"{self.alive}-{uuid4()}"

    def current(self) -> Mapping[str, Node]:
        since = self._clock.now() - self._started
        self.beat(self.alive, self._started + since // timedelta(seconds=HEARTBEAT_S) * timedelta(seconds=HEARTBEAT_S))
        return super().current()

    recent = current


class ExchangeRequests(NodeRequests):
    """Requests to the exchange, as long as the node that they are for lives."""

    def __init__(self, exchange: Exchange, nodes: Nodes) -> None:
        self._exchange, self._nodes = exchange, nodes

    def post(self, address: str, path: str, body: Mapping[str, Any]) -> None:
        if address != self._nodes.alive:
            raise NotReached("ConnectionRefusedError")
        _, _, application, _, *call = path.split("/")
        try:
            if call:
                self._exchange.update_call(application, call[0], body["Arguments"])
            else:
                shown, to, arguments = body["FromPhoneNumber"], body["ToPhoneNumber"], body["ArgumentsMap"]
                self._exchange.create_call(application, from_number=shown, to_number=to, arguments=arguments)
        except ServiceRefusal as refusal:
            raise NodeRefused(refusal.exception, refusal.status) from None
