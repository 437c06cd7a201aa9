"""Whole callbacks in this process: the product's use cases and adapters, the deployed flow, the telephone network.

The store is the local cloud's, called without HTTP, and each of its requests is metered. Invocations run one after
another on a clock that jumps, so none loses a race; what contention costs is in `tests/contention.py`.
"""

import gc
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bench.meter import Meter, write_units_of
from bench.store_in_process import dynamodb, rows_of
from duologue.domain.access.accounts import App
from lab.cruel.mix import AREAS
from pstn.lines.behaviours import answers
from pstn.lines.virtual import Phone
from tests.journeys.line import OWN, Line, StoreOnMoto

_PLATFORM, _BENCH = "platform", "bench"
_PAIRS = 45
"""Of each area; the first ten numbers of its hundred for fiction are the account's."""
_MORE_AREAS = ("808", "907")
_TALKS_S = 20.0


@dataclass(frozen=True)
class Cost:
    """Of one callback, on average. `index_units` are among the `write_units`."""

    requests: float
    writes: float
    items: float
    write_units: float
    index_units: float
    read_units: float
    refused: float


class _Store(StoreOnMoto):
    """The real adapters on the local cloud's tables. What stands for the stream reads the events: not the platform."""

    def __init__(self) -> None:
        self.meter, self._who = Meter(), _PLATFORM
        super().__init__(dynamodb(lambda *request: self.meter.carried_out(self._who, *request)))

    def sources(self, call_id: str) -> dict[int, str]:
        self._who = _BENCH
        try:
            return dict(super().sources(call_id))  # type: ignore[no-untyped-call]  # of the tests
        finally:
            self._who = _PLATFORM


class World:
    """A platform of `apps` apps with some stored calls."""

    def __init__(self, apps: int = 1) -> None:
        self.store = _Store()
        self.line = Line(on_moto=self.store)
        self._numbers = itertools.cycle(_pairs())
        self.apps = [App(f"app-{number}", "sp-1", "secret", display_numbers=OWN) for number in range(1, apps + 1)]
        for app in self.apps[1:]:
            self.store.accounts.add_app(replace(app, display_numbers=()))
        self.apps = [replace(app, concurrent_calls=1000, calls_per_second=1000) for app in self.apps]
        self.warm_up = self.play(1)

    def store_calls(self, wanted: int) -> None:
        """Let there be so many, each with all its items, and its call memory: copies of the first."""
        calls, accounts = rows_of("CallsTable"), rows_of("AccountsTable")
        gc.disable()  # it would look at two million items again and again
        try:
            _copy(calls, next(iter(calls)), "call", wanted)
            _copy(accounts, next(key for key in accounts if key.startswith("MEMORY#")), "pk", wanted)
        finally:
            gc.enable()

    def play(self, together: int) -> Cost:
        """So many callbacks that begin at the same moment, each of the next app; what one costs."""
        self.store.meter.requests.clear()
        line, apps = self.line, itertools.cycle(self.apps)
        for number in range(together):
            caller, callee = next(self._numbers)
            line.exchange.phones[caller] = Phone(answers(2.0))
            line.exchange.phones[callee] = Phone(answers(3.0 + number % 7, talks=_TALKS_S))
            line.app = next(apps)
            line.place(caller=caller, callee=callee, wants_memory=True)
        line.run()
        return _cost(self.store.meter, together)

    def call_back(self) -> Cost:
        """The callee of the last callback dials what it was shown, and reaches its caller; what that costs."""
        self.store.meter.requests.clear()
        caller, callee = list(self.line.exchange.phones)[-2:]
        self.line.exchange.phones[caller] = Phone(answers(2.0, talks=_TALKS_S))
        self.line.call_in(callee, OWN[1])
        self.line.run()
        return _cost(self.store.meter, 1)


def _copy(rows: dict[str, dict[str, dict[str, Any]]], first: str, key: str, wanted: int) -> None:
    for number in range(wanted - 1):
        name = f"{first}-{number}"
        rows[name] = {sort: {**item, key: {"S": name}} for sort, item in rows[first].items()}


def _cost(meter: Meter, callbacks: int) -> Cost:
    asked = meter.of(_PLATFORM)
    writes = [write for request in asked for write in request.writes]
    sums = (
        len(asked),
        sum(request.is_write for request in asked),
        len(writes),
        write_units_of(asked),
        sum(write.index_units for write in writes),
        sum(request.read_units for request in asked),
        sum(request.refused for request in asked),
    )
    return Cost(*(each / callbacks for each in sums))


def _pairs() -> Iterable[tuple[str, str]]:
    for area in (*AREAS, *_MORE_AREAS):
        for pair in range(_PAIRS):
            yield f"+1{area}55501{10 + 2 * pair}", f"+1{area}55501{11 + 2 * pair}"
