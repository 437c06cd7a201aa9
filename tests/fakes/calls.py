"""Calls in memory, with the same conditions as the real store."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime

from duologue.call_control.facts import Fact
from duologue.call_control.history import Delivery, History
from duologue.domain.acceptance_limits import NO_LIMITS, AcceptanceLimits, until_next_day
from duologue.domain.call import Call
from duologue.domain.cdr import Cdr, cdr_of
from duologue.domain.due import due_by
from duologue.domain.errors import (
    CallAlreadyAccepted,
    CalleeLimitReached,
    CdrAlreadyWritten,
    EventAlreadyProcessed,
    KeyReused,
    LimitReached,
    OutsideUnavailable,
    RaceLost,
    RequestRepeated,
    TooManyCalls,
    UnknownCall,
)
from duologue.domain.idempotency import KEPT, IdempotencyKey
from duologue.usecases.ports import Change, ProcessedEvent, SavedCall


class FakeCalls:
    """Plays `Calls`. `before_save` runs before each save, for what happens between a read and a write."""

    def __init__(self) -> None:
        self.rows: dict[str, SavedCall] = {}
        self.facts: dict[str, list[Fact]] = {}
        self.cdrs: dict[str, Cdr] = {}
        self.slots: dict[str, set[str]] = {}
        self.keys: dict[tuple[str, str], tuple[str, str, datetime]] = {}
        self.counts: Counter[tuple[str, object]] = Counter()
        self.close_by: dict[str, datetime] = {}
        self.deliveries: list[tuple[str, int, Delivery]] = []
        self.resumes: list[str] = []
        self._one_at_a_time = threading.Lock()
        self.before_save: Callable[[], None] = lambda: None
        self.out_of_reach = False
        self.unreadable: dict[str, Exception] = {}
        """What reading these calls raises."""
        self._processed: dict[tuple[str, str, int], ProcessedEvent] = {}

    def accept(
        self, call: Call, fact: Fact, *, slots: int, close_by: datetime, limits: AcceptanceLimits = NO_LIMITS
    ) -> None:
        self._reach()
        with self._one_at_a_time:
            self._accept(call, slots, limits)
            self._store(call, fact, close_by)

    def _accept(self, call: Call, slots: int, limits: AcceptanceLimits) -> None:
        at, held = call.accepted_at, self.slots.setdefault(call.app, set())
        second, today = (call.app, int(at.timestamp())), (call.app, limits.callee)
        if limits.key is not None and self._first(call.app, limits.key, at) is not None:
            raise RaceLost("the idempotency key is taken")
        if limits.per_second and self.counts[second] >= limits.per_second:
            raise TooManyCalls(call.app)
        if len(held) >= slots:
            raise LimitReached(call.app)
        if limits.callee is not None and self.counts[today] >= limits.callee.most:
            raise CalleeLimitReached(call.app, until_next_day(at))
        if call.id in self.rows:
            raise CallAlreadyAccepted(call.id)
        held.add(call.id)
        self.counts.update([second, today])
        if limits.key is not None:
            self.keys[call.app, limits.key.name] = (limits.key.request, call.id, at + KEPT)

    def _first(self, app_key: str, key: IdempotencyKey, now: datetime) -> tuple[str, str] | None:
        request, call_id, until = self.keys.get((app_key, key.name), ("", "", now))
        return (request, call_id) if until > now else None

    def check_repeat(self, app_key: str, key: IdempotencyKey, now: datetime) -> None:
        self._reach()
        first = self._first(app_key, key, now)
        if first is None:
            return
        if first[0] != key.request:
            raise KeyReused(app_key)
        raise RequestRepeated(first[1])

    def withdraw(self, change: Change, limits: AcceptanceLimits) -> None:
        self.save(change)
        self.counts.subtract([(change.after.app, limits.callee)])
        if limits.key is not None:
            self.keys.pop((change.after.app, limits.key.name), None)

    def _store(self, call: Call, fact: Fact, close_by: datetime) -> None:
        self.rows[call.id] = SavedCall(call, 1)
        self.facts[call.id] = [fact]
        self.close_by[call.id] = close_by

    def load(self, call_id: str) -> SavedCall:
        self._reach()
        if call_id in self.unreadable:
            raise self.unreadable[call_id]
        try:
            return self.rows[call_id]
        except KeyError:
            raise UnknownCall(call_id) from None

    def load_for(self, call_id: str, network_call: str, sequence: int) -> tuple[SavedCall, ProcessedEvent | None]:
        return self.load(call_id), self._processed.get((call_id, network_call, sequence))

    def save(self, change: Change) -> None:
        self._reach()
        self.before_save()
        call = change.after
        row = self.rows[call.id]
        if row.version != change.before.version:
            raise RaceLost(call.id)
        processed = change.processed
        if processed is not None and (call.id, processed.network_call, processed.sequence) in self._processed:
            raise EventAlreadyProcessed(call.id)
        if change.finalizes and call.id in self.cdrs:
            raise CdrAlreadyWritten(call.id)
        task_token = None if change.resumes is not None else row.task_token
        self.rows[call.id] = SavedCall(call, row.version + 1, task_token)
        self.facts[call.id] += change.facts
        if processed is not None:
            self._processed[call.id, processed.network_call, processed.sequence] = processed
        if due_by(call) != due_by(change.before.call):
            self.close_by[call.id] = due_by(call)
        if change.resumes is not None:
            self.resumes.append(change.resumes)
        if change.finalizes:
            self.cdrs[call.id] = cdr_of(call)
            self.slots[call.app].discard(call.id)
            self.close_by.pop(call.id, None)

    def fact(self, call_id: str, sequence: int) -> Fact:
        self._reach()
        try:
            return self.facts[call_id][sequence - 1]
        except (KeyError, IndexError):
            raise UnknownCall(call_id) from None

    def history(self, call_id: str) -> History:
        call = self.load(call_id).call
        told = {sequence: delivery for told, sequence, delivery in self.deliveries if told == call_id}
        return History(call, tuple(self.facts[call_id]), told)

    def overdue(self, now: datetime, limit: int) -> Sequence[str]:
        due = sorted((at, call_id) for call_id, at in self.close_by.items() if at <= now)
        return [call_id for _, call_id in due[:limit]]

    def open_calls(self) -> Set[str]:
        return set(self.close_by)

    def held_slots(self) -> Mapping[str, Set[str]]:
        return {app: frozenset(held) for app, held in self.slots.items()}

    def free_slot(self, app_key: str, call_id: str) -> bool:
        if call_id in self.close_by:
            return False
        self.slots[app_key].discard(call_id)
        return True

    def in_use(self, app_key: str) -> int:
        return len(self.slots.get(app_key, ()))

    def is_acknowledged(self, call_id: str, sequence: int) -> bool:
        mine = [delivery for told, number, delivery in self.deliveries if (told, number) == (call_id, sequence)]
        return bool(mine) and mine[-1].acknowledged

    def record_delivery(self, call_id: str, sequence: int, delivery: Delivery) -> None:
        if not self.is_acknowledged(call_id, sequence):
            self.deliveries.append((call_id, sequence, delivery))

    def change(self, call_id: str, **fields: object) -> None:
        """What the flow writes on the row by itself: it steps the version, as the real one does."""
        row = self.rows[call_id]
        task_token = fields.pop("task_token", row.task_token)
        self.rows[call_id] = SavedCall(replace(row.call, **fields), row.version + 1, task_token)  # type: ignore[arg-type]

    def _reach(self) -> None:
        if self.out_of_reach:
            raise OutsideUnavailable("calls")
