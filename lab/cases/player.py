"""Plays many cases concurrently on one laboratory, each on two numbers of its own.

Cases are dialled one after the other, since a call keeps the switches that the network and the cloud had when it was
placed; from then on they run concurrently.
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
from lab.cases.return_calls import NETWORK, ReturnCase
from lab.cases.return_play import People, PlayedReturn, play_return
from lab.lab import Lab
from lab.sp.service_provider import ServiceProvider
from pstn.switches import Switches

PAIRS = tuple(Pair(f"+120255501{number}", f"+120255501{number + 1}") for number in range(10, 100, 2))
AT_ONCE = 20
"""More would only compete for two cores, and then times would say more about the machine than about the platform."""
RETURNS_AT_ONCE = 4
"""Of return calls, fewer: a callback whose memory cannot be encrypted in time is accepted without one."""


@dataclass(frozen=True)
class Variant:
    """A possible behaviour of the network and the cloud: the switches that are not at their usual values."""

    name: str
    switches: dict[str, Any] = field(default_factory=dict)
    cloud: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


Part = tuple[Variant, Case]


class CasePlayer:
    """Call `close` when done.

    Args:
        at_once: how many calls that `begin` places may be up at the same time.
        cloud: the cloud's switches while no variant changes them.
        network: the network's switches where nothing can change them; None: those of the case and its variant.
    """

    def __init__(
        self,
        lab: Lab,
        watch: NetworkWatch,
        sp: ServiceProvider,
        at_once: int = AT_ONCE,
        cloud: CloudSwitches | None = None,
        network: Switches | None = None,
    ) -> None:
        self.lab, self.watch, self.sp, self.cloud, self._network = lab, watch, sp, cloud or CloudSwitches(), network
        self._pool = ThreadPoolExecutor(AT_ONCE, "case")
        self._free = deque(PAIRS)
        self._room = threading.Semaphore(at_once)
        self._room_for_returns = threading.Semaphore(RETURNS_AT_ONCE)
        self._going: list[Future[Any]] = []

    def begin(self, parts: Iterable[Part]) -> dict[tuple[str, str], "Future[Played]"]:
        """Play all of these; the results are by the names of variant and case.

        In their order, except that the longest come first, and exclusive ones last.
        """
        wanted = sorted(parts, key=lambda part: (part[1].exclusive, not part[1].minutes))
        promised: dict[tuple[str, str], Future[Played]] = {
            (variant.name, case.name): Future() for variant, case in wanted
        }
        director = threading.Thread(target=self._direct, args=(wanted, promised), name="director", daemon=True)
        self._going += promised.values()
        director.start()
        return promised

    def at_once(self, cases: Iterable[Case]) -> list["Future[Played]"]:
        """Play these without waiting for the dial of one before the next is placed."""
        begun = [self._pool.submit(self._play, case, self._free.popleft(), lambda: None) for case in cases]
        self._going += begun
        return begun

    @contextmanager
    def pair(self) -> Iterator[Pair]:
        """Two numbers for a call that a test plays itself."""
        pair = self._free.popleft()
        try:
            yield pair
        finally:
            self._free.append(pair)

    def return_calls(self, cases: Iterable[ReturnCase]) -> dict[str, "Future[PlayedReturn]"]:
        """Play all of these once the callbacks begun before are over; exclusive ones one after the other, last."""
        wanted = sorted(cases, key=lambda case: case.exclusive)
        self.wait()
        self._behave(NETWORK, CloudSwitches())
        promised: dict[str, Future[PlayedReturn]] = {}
        for case in wanted:
            if case.exclusive:
                wait(promised.values())
            promised[case.name] = self._pool.submit(self._play_return, case)
        self._going += promised.values()
        return promised

    def wait(self) -> None:
        """Wait until all cases have ended."""
        wait(self._going)
        self._behave(LAB, self.cloud)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _direct(self, wanted: list[Part], promised: dict[tuple[str, str], "Future[Played]"]) -> None:
        begun: list[Future[Played]] = []
        for variant, case in wanted:
            promise = promised[variant.name, case.name]
            if case.exclusive:
                wait(begun)
            self._room.acquire()
            dialled = threading.Event()
            self._behave(case.switches_for(replace(LAB, **variant.switches)), replace(self.cloud, **variant.cloud))
            self._pool.submit(self._keep, promise, case, self._free.popleft(), dialled)
            begun.append(promise)
            dialled.wait(case.seconds)
        wait(begun)
        self._behave(LAB, self.cloud)

    def _behave(self, network: Switches, cloud: CloudSwitches) -> None:
        self.lab.pstn.exchange.switches, self.lab.cloud.switches = self._network or network, cloud

    def _keep(self, promise: "Future[Played]", case: Case, pair: Pair, dialled: threading.Event) -> None:
        try:
            promise.set_result(self._play(case, pair, dialled.set))
        except Exception as error:  # noqa: BLE001 - any error fails the test that waits for this case
            promise.set_exception(error)
        finally:
            dialled.set()
            self._room.release()

    def _play_return(self, case: ReturnCase) -> PlayedReturn:
        with self._room, self._room_for_returns, self.pair() as pair:
            return play_return(self.lab, self.watch, self.sp, case, People.of(pair))

    def _play(self, case: Case, pair: Pair, on_dialled: Any) -> Played:
        try:
            return play(self.lab, self.watch, self.sp, case, pair, on_dialled=on_dialled)
        finally:
            self._free.append(pair)
