"""An edge that leaves gives no trunk room for more, and waits for its calls as long as it may."""

from collections.abc import Sequence

import pytest

from pstn.host.edge_drain import POLL_S, drain


class Kamailio:
    """Two trunks; a call ends each turn. `calls`: at the start."""

    def __init__(self, calls: int) -> None:
        self.room, self.calls, self.now = {"s:0:calls": "s:30", "s:1:calls": "s:5"}, calls, 0.0

    def ask(self, command: Sequence[str]) -> str:
        match command:
            case ["htable.get", "trunks", "s:0:name" | "s:1:name"]:
                return "{ item: { name: main } }"
            case ["htable.sets", "trunks", key, value] if key in self.room:
                self.room[key] = value
                return ""
            case ["dlg.stats_active"]:
                return f"{{\n\tstarting: 0\n\tongoing: {self.calls}\n\tall: {self.calls}\n}}\n"
        raise OSError(f"kamcmd {command[0]}: error: 500 - Key name doesn't exist in htable.")

    def sleep(self, seconds: float) -> None:
        assert set(self.room.values()) == {"s:0"}, "it takes calls while it waits"
        self.now += seconds
        self.calls -= 1


@pytest.mark.parametrize(("calls", "patience", "is_empty"), [(0, 0, True), (3, 60, True), (30, 3 * POLL_S, False)])
def test_it_waits_for_its_calls_and_no_longer_than_it_may(calls: int, patience: float, is_empty: bool):
    edge = Kamailio(calls)
    assert drain(edge.ask, patience, edge.sleep, lambda: edge.now) is is_empty
    assert edge.now == min(calls * POLL_S, patience)
    assert set(edge.room.values()) == {"s:0"}


def test_one_that_does_not_answer_is_not_waited_for():
    def ask(command: Sequence[str]) -> str:
        raise OSError("kamcmd: no such socket")

    with pytest.raises(OSError, match="no such socket"):
        drain(ask, 60)
