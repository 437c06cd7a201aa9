"""A DynamoDB that makes concurrent writers of one item fail, on a clock that jumps.

A transaction holds its items for some time; a transaction that meets one of them meanwhile is cancelled. moto and the
local cloud are too slow for hundreds of writers, so this knows only the writes that accept and end calls: a Put that is
refused if the item is there, an Update, a Delete, and a query of one partition.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from duologue.adapters.basics.jittered_pause import longest_s
from duologue.adapters.calls.dynamo_acceptance import DynamoAcceptance
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.call_control.events import NeverTakenUp
from duologue.call_control.machine import decide
from duologue.domain.access.accounts import App
from duologue.domain.calls.callback_request import CallbackRequest
from duologue.domain.errors import DuologueError
from duologue.usecases.calls.place_callback import PlaceCallback
from duologue.usecases.ports.call_changes import Change, SavedCall
from duologue.usecases.until_written import until_written
from tests.fakes.flows import FakeFlows
from tests.fakes.placing import placing
from tests.fakes.seals import ROWS
from tests.samples import CALLEE, CALLER, NOW, SHOWN_TO_CALLEE, SHOWN_TO_CALLER
from tests.simulation.fibers import FiberClock

READ_S = 0.005
Key = tuple[str, str, str]
WANTED = CallbackRequest(CALLER, CALLEE, SHOWN_TO_CALLER, SHOWN_TO_CALLEE, SHOWN_TO_CALLER)


@dataclass
class ContendedTables:
    """Plays a DynamoDB client. `hold`: how long a transaction holds its items."""

    clock: FiberClock
    hold: timedelta
    items: dict[tuple[str, str], dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    """By table and partition key, then by sort key."""
    seen: Counter[str] = field(default_factory=Counter)
    _held: dict[Key, datetime] = field(default_factory=dict)

    def transact_write_items(self, **asked: Any) -> None:
        self.seen["transactions"] += 1
        writes = [(kind, what) for entry in asked["TransactItems"] for kind, what in entry.items()]
        keys = [_key(what) for _, what in writes]
        now = self.clock.now()
        if any(self._held.get(key, now) > now for key in keys):
            self._refuse("TransactionConflict", [self._held.get(key, now) > now for key in keys])
        taken = [
            kind == "Put" and "ConditionExpression" in what and key[2] in self.items[key[:2]]
            for (kind, what), key in zip(writes, keys, strict=True)
        ]
        if any(taken):
            self._refuse("ConditionalCheckFailed", taken)
        self._held |= dict.fromkeys(keys, now + self.hold)
        self.clock.sleep(self.hold.total_seconds())
        for (kind, what), key in zip(writes, keys, strict=True):
            if kind == "Delete":
                del self.items[key[:2]][key[2]]
            else:
                self.items[key[:2]][key[2]] = what.get("Item", what.get("Key"))

    def _refuse(self, reason: str, which: list[bool]) -> None:
        self.seen[reason] += 1
        self.clock.sleep(self.hold.total_seconds() / 2)
        reasons = [{"Code": reason if each else "None"} for each in which]
        answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
        raise ClientError(answer, "TransactWriteItems")

    def get_paginator(self, _name: str) -> "ContendedTables":
        return self

    def paginate(self, **asked: Any) -> list[Any]:
        self.seen["queries"] += 1
        self.clock.sleep(READ_S)
        values = [value["S"] for value in asked["ExpressionAttributeValues"].values()]
        partition, begin = (*values, "")[:2]
        found = [item for sk, item in self.items[asked["TableName"], partition].items() if sk.startswith(begin)]
        return [{"Items": found, "Count": len(found)}]


def _key(what: dict[str, Any]) -> Key:
    row = what.get("Key") or what["Item"]
    first, second = ("pk", "sk") if "pk" in row else ("call", "item")
    return what["TableName"], row[first]["S"], row[second]["S"]


class Crowd:
    """Requests to place callbacks of one app, each in a fiber of its own, and ends of calls."""

    def __init__(self, hold_ms: int, *, limit: int, per_second: int = 0, seed: int = 1) -> None:
        self.clock = FiberClock(NOW)
        self.tables = ContendedTables(self.clock, timedelta(milliseconds=hold_ms))
        self.app = App("app-1", "sp-1", "secret", concurrent_calls=limit, calls_per_second=per_second)
        self.verdicts: Counter[str] = Counter()
        self.tries: Counter[int] = Counter()
        self.took: list[float] = []
        self.open: list[SavedCall] = []
        self._chance = Random(seed)
        client: Any = self.tables
        self._calls = DynamoCalls(client, "calls", "accounts", timedelta(days=90), ROWS, self.clock.now)
        self._acceptance = DynamoAcceptance(client, "accounts", self._calls, self._chance.randrange)
        self._ids = iter(range(1_000_000))

    def place(self, at_s: float) -> None:
        def run() -> None:
            began = self.clock.now()
            pauses: list[int] = []

            def pause(lost: int) -> None:
                pauses.append(lost)
                self._pause(lost)

            place = self._placing(pause)
            try:
                place(lambda: WANTED, self.app, is_test=False)
                self.verdicts["accepted"] += 1
            except DuologueError as refusal:
                self.verdicts[type(refusal).__name__] += 1
            self.tries[len(pauses) + 1] += 1
            self.took.append((self.clock.now() - began).total_seconds())

        self.clock.call_later(at_s, run)

    def end_one(self, at_s: float) -> None:
        def run() -> None:
            saved = self.open.pop(self._chance.randrange(len(self.open)))
            after = decide(saved.call, NeverTakenUp(self.clock.now())).call
            until_written(lambda: self._calls.save(Change(saved, after, finalizes=True)), self._pause, saved.call.id)
            self.verdicts["ended"] += 1

        self.clock.call_later(at_s, run)

    def run(self) -> None:
        self.clock.run()

    @property
    def held(self) -> int:
        return sum(len(rows) for (_, pk), rows in self.tables.items.items() if pk.startswith("SLOTS#"))

    def _pause(self, lost: int) -> None:
        self.clock.sleep(self._chance.random() * longest_s(lost))

    def _placing(self, pause: Callable[[int], object]) -> PlaceCallback:
        acceptance, opened = self._acceptance, self.open

        class Desk:
            def accept(self, call: Any, **asked: Any) -> SavedCall:
                saved = acceptance.accept(call, **asked)
                opened.append(saved)
                return saved

        def new_id(_now: datetime) -> str:
            return f"1_1_{next(self._ids)}_20261123090000"

        return placing(Desk(), FakeFlows(), self.clock, new_id, pause=pause)  # type: ignore[arg-type]
