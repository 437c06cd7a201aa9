"""A node: a process of the operator's that carries calls over SIP trunks, as its row in the nodes table has it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SILENCE = timedelta(seconds=15)
"""After three missed heartbeats, a node that did not leave in order is dead."""
HEARTBEAT = timedelta(seconds=6)
"""Longer than from one heartbeat to the next."""
MOST_ASKED = 3
"""Nodes that are asked for one dial."""


class Burial(StrEnum):
    """What the sweeper does about a dead node. A node that finds either on its row must hang up and end."""

    BEGUN = "begun"  # it is declared dead, and its open calls are being finalized
    DONE = "done"  # its calls are finalized


@dataclass(frozen=True, slots=True)
class Node:
    """`address`: host and port of its API. `room`: the dials that it can still take. `gone`: it left in order."""

    id: str
    address: str
    room: int
    beat_at: datetime
    draining: bool = False
    gone: bool = False
    burial: Burial | None = None

    def is_silent(self, now: datetime, since: timedelta = SILENCE) -> bool:
        return now - self.beat_at > since

    def takes_dials(self, now: datetime) -> bool:
        return not (self.draining or self.gone or self.burial or self.is_silent(now)) and self.room > 0


def node_of(network_call: str) -> str:
    """The id of the node that a network call is on, or to which a dial mark belongs: `<node>-<UUID>`. "": of none."""
    return network_call[: -len("-00000000-0000-0000-0000-000000000000")]


def node_of_call(network_call: str | None, dial_mark: str | None) -> str:
    """The id of the node that has a call, or was about to dial it; "" if that is no node's."""
    return node_of(network_call or dial_mark or "")


def picked(nodes: Iterable[Node], now: datetime, chance: Callable[[], float]) -> list[Node]:
    """The nodes to ask for a dial, in their order: at random, those with more room more often before the others.

    `chance`: random from 0 to 1. (Efraimidis and Spirakis 2006: weighted random sampling without replacement.)
    """
    fit = [node for node in nodes if node.takes_dials(now)]
    return sorted(fit, key=lambda node: chance() ** (1 / node.room), reverse=True)[:MOST_ASKED]
