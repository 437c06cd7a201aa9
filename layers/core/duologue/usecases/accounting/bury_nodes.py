"""Finalize the calls of dead nodes: their ends will never be reported, and accounts must not wait for it for hours.

    silent for 6 s ──▶ 6 s later: still silent, for 15 s? ──yes──▶ declared dead ──▶ its calls are finalized ──▶ buried
                           ▲                      │ no heartbeat, but not for 15 s yet
                           └──────────────────────┘

A node is looked at twice because an outage of its table makes every node silent: once the table is back, those that
live send a heartbeat within five seconds. How long all this takes at the most: docs/decisions/0036.

A node that has been declared dead stays so: it can write no heartbeat any more, and hangs up whatever it still has
(pstn/node/heartbeat.py). A burial that one sweep has begun the next completes.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from duologue.domain.calls.node import HEARTBEAT, Burial, Node
from duologue.domain.errors import OutsideUnavailable, UnknownCall
from duologue.usecases.accounting.finalize_call import FinalizeCall
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.ports.calls import OpenCalls
from duologue.usecases.ports.nodes import NodeTable
from duologue.usecases.ports.outside import Clock
from duologue.usecases.working_through import WorkThrough, in_turn, until

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lost:
    """`calls`: finalized. `remaining`: left for the next sweep. Both are of dead nodes."""

    calls: int = 0
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class BuryNodes:
    """`wait`: for so long, before the next look."""

    nodes: NodeTable
    calls: OpenCalls
    finalize: FinalizeCall
    clock: Clock
    isolate: FailureIsolation
    wait: Callable[[timedelta], None]
    work_through: WorkThrough = in_turn

    def __call__(self, end: datetime | None = None) -> Lost:
        """Work through the calls of dead nodes until `end`. Raises OutsideUnavailable."""
        dead = self._dead()
        if not dead:
            return Lost()
        theirs = {call_id: dead[node_id] for call_id, node_id in self.calls.on_nodes(dead).items()}
        left = Counter(node.id for node in theirs.values())
        for node in dead.values():
            level = logging.INFO if node.gone and not left[node.id] else logging.ERROR
            _log.log(level, "a node is dead", extra={"node": node.id, "calls": left[node.id]})
        finalized: list[str] = []
        done: list[str] = []

        def close(call_id: str) -> None:
            with self.isolate(call_id):
                node = theirs[call_id]
                try:
                    call = self.finalize.lost(call_id, node)
                except UnknownCall:
                    call = None
                except OutsideUnavailable:
                    _log.warning("not finalized; retrying in the next sweep", extra={"call_id": call_id}, exc_info=True)
                    return
                finalized.extend([] if call is None else [call_id])
                done.append(node.id)

        self.work_through(theirs, close, until(end, self.clock))
        left.subtract(done)
        for node_id in dead:
            if not left[node_id]:
                self.nodes.bury(node_id)
        return Lost(len(finalized), left.total())

    def _dead(self) -> Mapping[str, Node]:
        """Those whose burial has begun, now or in an earlier sweep."""
        nodes, now = self.nodes.current(), self.clock.now()
        begun = {node.id: node for node in nodes.values() if node.burial is Burial.BEGUN}
        silent = [node for node in nodes.values() if node.burial is None and node.is_silent(now, HEARTBEAT)]
        dead = dict[str, Node]()
        while silent and not dead:
            self.wait(HEARTBEAT)
            nodes, now = self.nodes.current(), self.clock.now()
            silent = [node for node in silent if nodes.get(node.id, node).beat_at == node.beat_at]
            dead |= {node.id: node for node in silent if node.is_silent(now) and self.nodes.declare_dead(node)}
            silent = [node for node in silent if not node.is_silent(now)]
        return begun | dead
