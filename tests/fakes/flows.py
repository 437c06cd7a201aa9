"""The state machine as far as the use cases see it: what was started, woken and broken off."""

from typing import Any

from duologue.domain.errors import OutsideUnavailable


class FakeFlows:
    """Plays `Flows`. `failures`: how many of the next calls find it out of reach."""

    def __init__(self, failures: int = 0) -> None:
        self.started: dict[str, dict[str, Any]] = {}
        self.resumed: list[str] = []
        self.interrupted: list[str] = []
        self.failures = failures
        self.refusals: dict[str, Exception] = {}
        """What waking these tokens raises."""

    def start(self, call_id: str, request: dict[str, Any]) -> None:
        self._reach()
        self.started.setdefault(call_id, request)

    def resume(self, token: str) -> None:
        self._reach()
        if token in self.refusals:
            raise self.refusals[token]
        self.resumed.append(token)

    def interrupt(self, token: str) -> None:
        self._reach()
        self.interrupted.append(token)

    def _reach(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OutsideUnavailable("state machine")
