"""The carrier's control plane: which calls it knows, and which it was asked to end."""

from duologue.domain.errors import OutsideUnavailable


class FakeNetwork:
    """Plays `Network`."""

    def __init__(self, *known: str, busy: bool = False) -> None:
        self.known = set(known)
        self.busy = busy
        self.asked: list[str] = []

    def end(self, network_call: str) -> bool:
        if self.busy:
            raise OutsideUnavailable("telephone network")
        self.asked.append(network_call)
        return network_call in self.known
