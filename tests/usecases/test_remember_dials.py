"""Of several calls to one person from one display number, the last dial is remembered, before the phone rings."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from duologue.call_control.actions import DialAndBridge
from duologue.domain.memory.call_memory import order_of
from duologue.usecases.calls.process_network_event import ProcessNetworkEvent
from duologue.usecases.until_written import no_pause
from tests.call_control.stories import (
    CALLEE_ANSWERED,
    CALLEE_LEFT,
    CALLEE_RANG,
    CALLEE_WANTED,
    CALLER_ANSWERED,
    CALLER_DIALLED,
    CALLER_LEFT,
)
from tests.fakes.answering import answering
from tests.fakes.calls import FakeCalls
from tests.fakes.flows import FakeFlows
from tests.fakes.network import FakeNetwork
from tests.samples import MEMORY, NETWORK_CALL, at, callback
from tests.usecases.test_process_network_event import Said, Told

CALLS = 3
moments = st.lists(st.integers(5, 8), min_size=CALLS, max_size=CALLS)
steps = st.lists(st.tuples(st.integers(0, CALLS - 1), st.booleans(), st.booleans()), max_size=60)


class Pair:
    """Calls of one pair, each with its own events; event 2 asks for the callee's dial."""

    def __init__(self, dials: list[int], ends: list[int]) -> None:
        self.calls, self.network = FakeCalls(), Told()
        inbound = answering(self.calls, self.network)
        self._process = ProcessNetworkEvent(
            self.calls, FakeFlows(), self.network, FakeNetwork(NETWORK_CALL), no_pause, inbound
        )
        self.ids = [f"1_1_{number}_20261123090000" for number in range(CALLS)]
        self.order = [order_of(at(dial), call_id) for dial, call_id in zip(dials, self.ids, strict=True)]
        self.heard = [0] * CALLS
        self.dialled: list[str] = []
        self._events = []
        for call_id, dial, end in zip(self.ids, dials, ends, strict=True):
            self.calls.accept(replace(callback(call_id), memory=MEMORY), slots=9, close_by=at(120))
            asked = replace(CALLEE_WANTED, at=at(dial))
            left = (replace(CALLEE_LEFT, at=at(60 + end)), replace(CALLER_LEFT, at=at(61 + end)))
            self._events.append((CALLER_DIALLED, CALLER_ANSWERED, asked, CALLEE_RANG, CALLEE_ANSWERED, *left))

    def step(self, number: int, *, again: bool, amid: bool) -> None:
        """One event of a call: its next one, or its last one again. `amid`: another call's comes before its commit."""
        if amid:
            others = iter([lambda: self.step((number + 1) % CALLS, again=False, amid=False)])
            self.calls.before_save = lambda: next(others, lambda: None)()
        if not again:
            self.heard[number] += 1
        place = self.heard[number] - 1
        if not 0 <= place < len(self._events[number]):
            return
        said = Said(self._events[number][place], str(place), self.ids[number])
        actions = self.network.answers[self._process(said)]["actions"]
        if any(isinstance(action, DialAndBridge) for action in actions):
            self.dialled.append(self.order[number])
            assert self.remembered >= self.order[number], "a phone is to ring whose owner could not return the call"

    @property
    def remembered(self) -> str:
        found = self.calls.memories.memory(MEMORY.key)
        return "" if found is None else found.order


@given(dials=moments, ends=moments, steps=steps)
def test_the_last_dial_is_remembered_whatever_comes_twice_or_late_or_never(dials, ends, steps):
    """Events of one call are in order; some are repeated, and those after the last step are lost."""
    pair = Pair(dials, ends)
    for number, again, amid in steps:
        pair.step(number, again=again, amid=amid)
        pair.calls.before_save = lambda: None
        assert pair.remembered == max(pair.dialled, default="")
