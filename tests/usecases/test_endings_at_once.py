"""Many calls of one app end in the same moment: each closes in a transaction on the one row of the app's slots.

The row is held while a transaction runs, and one that meets it is cancelled, as in DynamoDB. Time is virtual: threads
take turns, and the clock goes on when all of them rest. The figures (s) are those of a table in the same region.
"""

import heapq
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

import pytest

from duologue.adapters.jittered_pause import longest_s
from duologue.domain.errors import OutsideUnavailable, RaceLost
from duologue.usecases.process_network_event import ProcessNetworkEvent
from tests.call_control.stories import CALLEE_LEFT, CALLER_LEFT, TALKING, Story
from tests.fakes.answering import answering
from tests.fakes.calls import FakeCalls
from tests.fakes.flows import FakeFlows
from tests.fakes.network import FakeNetwork
from tests.samples import at, callback
from tests.usecases.test_process_network_event import Said, Told

READ, HELD, CANCELLED = (0.004, 0.008), (0.012, 0.025), (0.006, 0.012)
ASKED_AGAIN_AFTER = 5.0


class VirtualTime:
    """One thread runs at a time: the one whose rest is over first."""

    def __init__(self, threads: int) -> None:
        self.now = 0.0
        self._awake = threads
        self._resting: list[tuple[float, int]] = []
        self._numbers = itertools.count()
        self._turn = threading.Condition()
        self._next = -1

    def rest(self, seconds: float) -> None:
        with self._turn:
            number = next(self._numbers)
            heapq.heappush(self._resting, (self.now + seconds, number))
            self._pass_on()
            self._turn.wait_for(lambda: self._next == number)

    def leave(self) -> None:
        with self._turn:
            self._pass_on()

    def _pass_on(self) -> None:
        self._awake -= 1
        if not self._awake and self._resting:
            self.now, self._next = heapq.heappop(self._resting)
            self._awake = 1
            self._turn.notify_all()


class ContendedCalls(FakeCalls):
    """The slots' row is the bottleneck. Each call has a chance of its own, so that a run does not depend on threads."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._time = time
        self._held_until = 0.0
        self._chances: dict[str, Random] = {}

    def chance(self, call_id: str) -> Random:
        return self._chances.setdefault(call_id, Random(call_id))

    def load_for(self, call_id, network_call, event):
        self._time.rest(self.chance(call_id).uniform(*READ))
        return super().load_for(call_id, network_call, event)

    def save(self, change):
        chance = self.chance(change.after.id)
        if self._time.now < self._held_until:
            self._time.rest(chance.uniform(*CANCELLED))
            raise RaceLost("another transaction holds the slots")
        seconds = chance.uniform(*HELD)
        self._held_until = self._time.now + seconds
        self._time.rest(seconds)
        super().save(change)


@pytest.mark.parametrize(("ends", "repeats"), [(20, 0), (100, 1)])
def test_no_end_is_lost(ends, repeats):
    """A few need no more than their pauses. Of very many some are not recorded at first: the network asks again."""
    time, flows = VirtualTime(ends), FakeFlows()
    calls = ContendedCalls(time)
    for number in range(ends):
        story = Story(*TALKING, CALLEE_LEFT, call=callback(f"1_1_{number}_20261123090000"))
        calls.accept(replace(story.call, facts=1), slots=ends, close_by=at(9))
    slowest = [0.0]

    def last_hang_up(call_id: str) -> int:
        """How often the network had to ask."""
        chance = calls.chance(call_id)
        try:
            for asked in range(1, repeats + 2):
                began = time.now
                try:
                    said = Said(replace(CALLER_LEFT, at=at(61)), "9", call_id)
                    told, rest = Told(), lambda lost: time.rest(chance.random() * longest_s(lost))
                    ProcessNetworkEvent(calls, flows, told, FakeNetwork(), rest, answering(calls, told))(said)
                except OutsideUnavailable:
                    continue
                finally:
                    slowest.append(time.now - began)
                return asked
            return repeats + 2
        finally:
            time.leave()

    with ThreadPoolExecutor(ends) as pool:
        asked = list(pool.map(last_hang_up, list(calls.rows)))
    assert max(asked) <= repeats + 1
    assert len(calls.cdrs) == ends
    assert calls.in_use("app-1") == 0
    assert max(slowest) < ASKED_AGAIN_AFTER
