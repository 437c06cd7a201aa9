"""The table of the operator's own nodes, for the sweeper."""

from collections.abc import Mapping
from typing import Protocol

from duologue.domain.calls.node import Node


class NodeTable(Protocol):
    """Each method may raise OutsideUnavailable."""

    def current(self) -> Mapping[str, Node]:
        """All nodes by their ids, read now."""

    def declare_dead(self, node: Node) -> bool:
        """Begin a node's burial. False: it has sent a heartbeat after all, or its burial has begun."""

    def bury(self, node_id: str) -> None:
        """Complete a burial that has begun. Idempotent."""
