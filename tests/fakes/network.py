"""The carrier: which calls it knows, and what it was asked for."""

from collections.abc import Callable

from duologue.domain.calls.call import Call
from duologue.domain.errors import NoSuchNetworkCall, OutsideUnavailable


class FakeNetwork:
    """Plays `Network`. `known`: the network calls that it knows. `refusals`: what the next requests raise, in order."""

    def __init__(self, *known: str, busy: bool = False) -> None:
        self.known = set(known)
        self.busy = busy
        self.asked: list[str] = []
        """Which calls it was asked to end."""
        self.dialled: list[str] = []
        """The calls whose caller it was asked to dial, by our ids."""
        self.wanted: list[tuple[str, str]] = []
        """What else it was asked for, with the network call."""
        self.refusals: list[Exception] = []

    def mark(self, unique: str) -> str:
        return unique

    def dial_caller(self, call: Call, mark: str, store: Callable[[str], bool]) -> None:
        self._refuse()
        self.dialled.append(call.id)

    def dial_callee(self, network_call: str) -> None:
        self._ask(network_call, "dial_callee")

    def say_last_minute(self, network_call: str) -> None:
        self._ask(network_call, "say_last_minute")

    def end(self, network_call: str) -> bool:
        if self.busy:
            raise OutsideUnavailable("telephone network")
        self.asked.append(network_call)
        return network_call in self.known

    def stop_prompt(self, application: str, network_call: str) -> None:
        """Plays `PromptStopper`."""
        self.end(network_call)

    def _ask(self, network_call: str, what: str) -> None:
        self._refuse()
        if network_call not in self.known:
            raise NoSuchNetworkCall(network_call)
        self.wanted.append((what, network_call))

    def _refuse(self) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
