"""Plays many cases beside one another on one laboratory: each on two numbers of its own, as many as there are numbers.

Cases are dialled one after the other, since a call keeps the switches that the network and the cloud had when it was
placed; from then on each goes its own way.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from lab.aws.switches import CloudSwitches
from lab.cases.catalogue import LAB, Case
from lab.cases.play import NetworkWatch, Pair, Played, play
from lab.lab import Lab
from lab.sp.service_provider import ServiceProvider
from pstn.switches import Switches

PAIRS = tuple(Pair(f"+120255501{number}", f"+120255501{number + 1}") for number in range(10, 100, 2))
AT_ONCE = 20
"""More on two cores would only wait for one another, and then a time says more of the machine than of the platform."""


@dataclass(frozen=True)
class Way:
    """One way for the network, and the cloud, to behave: their switches that are not as usual."""

    name: str
    switches: dict[str, Any] = field(default_factory=dict)
    cloud: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


Part = tuple[Way, Case]


class Company:
    def __init__(self, lab: Lab, watch: NetworkWatch, sp: ServiceProvider) -> None:
        self.lab, self.watch, self.sp = lab, watch, sp
        self._pool = ThreadPoolExecutor(AT_ONCE, "case")
        self._free = deque(PAIRS)
        self._room = threading.Semaphore(AT_ONCE)
        self._going: list[Future[Played]] = []

    def begin(self, parts: Iterable[Part]) -> dict[tuple[str, str], "Future[Played]"]:
        """Play all of these; each is there when it is over, by the names of its way and case.

        In their order, but the longest first, and what must be alone last.
        """
        wanted = sorted(parts, key=lambda part: (part[1].exclusive, not part[1].minutes))
        promised: dict[tuple[str, str], Future[Played]] = {(way.name, case.name): Future() for way, case in wanted}
        director = threading.Thread(target=self._direct, args=(wanted, promised), name="director", daemon=True)
        self._going += promised.values()
        director.start()
        return promised

    def at_once(self, cases: Iterable[Case]) -> list["Future[Played]"]:
        """Play these without waiting for one's dial before the next is asked for."""
        begun = [self._pool.submit(self._play, case, self._free.popleft(), lambda: None) for case in cases]
        self._going += begun
        return begun

    @contextmanager
    def pair(self) -> Iterator[Pair]:
        """Two numbers for a call that a test plays by itself."""
        pair = self._free.popleft()
        yield pair
        self._free.append(pair)

    def wait(self) -> None:
        """Until nothing is going on."""
        wait(self._going)
        self._behave(LAB, CloudSwitches())

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _direct(self, wanted: list[Part], promised: dict[tuple[str, str], "Future[Played]"]) -> None:
        begun: list[Future[Played]] = []
        for way, case in wanted:
            promise = promised[way.name, case.name]
            if case.exclusive:
                wait(begun)
            self._room.acquire()
            dialled = threading.Event()
            self._behave(case.switches_for(replace(LAB, **way.switches)), CloudSwitches(**way.cloud))
            self._pool.submit(self._keep, promise, case, self._free.popleft(), dialled)
            begun.append(promise)
            dialled.wait(case.seconds)
        wait(begun)
        self._behave(LAB, CloudSwitches())

    def _behave(self, network: Switches, cloud: CloudSwitches) -> None:
        self.lab.pstn.exchange.switches, self.lab.cloud.switches = network, cloud

    def _keep(self, promise: "Future[Played]", case: Case, pair: Pair, dialled: threading.Event) -> None:
        try:
            promise.set_result(self._play(case, pair, dialled.set))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test that waits for this case fails by it
            promise.set_exception(error)
        finally:
            dialled.set()
            self._room.release()

    def _play(self, case: Case, pair: Pair, on_dialled: Any) -> Played:
        try:
            return play(self.lab, self.watch, self.sp, case, pair, on_dialled=on_dialled)
        finally:
            self._free.append(pair)
