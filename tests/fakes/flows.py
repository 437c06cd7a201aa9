"""The state machine as far as the use cases see it: what was started, resumed and broken off."""

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.flows import FlowOrder


class FakeFlows:
    """Plays `Flows`. `failures`: how many of the next calls find it out of reach."""

    def __init__(self, failures: int = 0) -> None:
        self.started: dict[str, FlowOrder] = {}
        self.resumed: list[str] = []
        self.interrupted: list[str] = []
        self.failures = failures
        self.refusals: dict[str, Exception] = {}
        """What resuming these tokens raises."""
        self.spent: set[str] = set()
        """Tokens whose wait is over."""

    def start(self, order: FlowOrder) -> None:
        self._reach()
        self.started.setdefault(order.call_id, order)

    def resume(self, token: str) -> bool:
        self._reach()
        if token in self.refusals:
            raise self.refusals[token]
        if token in self.spent:
            return False
        self.spent.add(token)
        self.resumed.append(token)
        return True

    def interrupt(self, token: str) -> None:
        self._reach()
        self.interrupted.append(token)

    def _reach(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OutsideUnavailable("state machine")
