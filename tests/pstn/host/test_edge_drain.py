"""An edge that leaves takes no call (tests/e2e/trunk/edge), and waits for its calls as long as it may."""

from collections.abc import Sequence

import pytest

from pstn.host.edge_drain import DRAIN, POLL_S, drain


class Kamailio:
    """A call ends each turn. `calls`: at the start."""

    def __init__(self, calls: int) -> None:
        self.drains, self.calls, self.now = False, calls, 0.0

    def ask(self, command: Sequence[str]) -> str:
        if command == DRAIN:
            self.drains = True
            return ""
        assert command == ["dlg.stats_active"]
        return f"{{\n\tstarting: 0\n\tongoing: {self.calls}\n\tall: {self.calls}\n}}\n"

    def sleep(self, seconds: float) -> None:
        assert self.drains, "it takes calls while it waits"
        self.now += seconds
        self.calls -= 1


@pytest.mark.parametrize(("calls", "patience", "is_empty"), [(0, 0, True), (3, 60, True), (30, 3 * POLL_S, False)])
def test_it_waits_for_its_calls_and_no_longer_than_it_may(calls: int, patience: float, is_empty: bool):
    edge = Kamailio(calls)
    assert drain(edge.ask, patience, edge.sleep, lambda: edge.now) is is_empty
    assert edge.now == min(calls * POLL_S, patience)
    assert edge.drains


def test_one_that_does_not_answer_is_not_waited_for():
    def ask(command: Sequence[str]) -> str:
        raise OSError("kamcmd: no such socket")

    with pytest.raises(OSError, match="no such socket"):
        drain(ask, 60)
