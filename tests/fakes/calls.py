"""Calls in memory, with the same conditions as the real store."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from duologue.call_control.facts import Fact
from duologue.call_control.history import Delivery, History
from duologue.domain.call import Call
from duologue.domain.cdr import Cdr, cdr_of
from duologue.domain.errors import (
    CallAlreadyAccepted,
    CdrAlreadyWritten,
    EventAlreadyHeard,
    LimitReached,
    OutsideUnavailable,
    RaceLost,
    UnknownCall,
)
from duologue.usecases.ports import Change, Heard, SavedCall


class FakeCalls:
    """Plays `Calls`. `before_save` runs before each save, for what happens between a read and a write."""

    def __init__(self) -> None:
        self.rows: dict[str, SavedCall] = {}
        self.facts: dict[str, list[Fact]] = {}
        self.cdrs: dict[str, Cdr] = {}
        self.slots: dict[str, set[str]] = {}
        self.close_by: dict[str, datetime] = {}
        self.deliveries: list[tuple[str, int, Delivery]] = []
        self.wakes: list[str] = []
        self.before_save: Callable[[], None] = lambda: None
        self.out_of_reach = False
        self._heard: dict[tuple[str, str, int], Heard] = {}

    def accept(self, call: Call, fact: Fact, *, slots: int, close_by: datetime) -> None:
        self._reach()
        held = self.slots.setdefault(call.app, set())
        if len(held) >= slots:
            raise LimitReached(call.app)
        if call.id in self.rows:
            raise CallAlreadyAccepted(call.id)
        held.add(call.id)
        self.rows[call.id] = SavedCall(call, 1)
        self.facts[call.id] = [fact]
        self.close_by[call.id] = close_by

    def load(self, call_id: str) -> SavedCall:
        self._reach()
        try:
            return self.rows[call_id]
        except KeyError:
            raise UnknownCall(call_id) from None

    def load_for(self, call_id: str, network_call: str, sequence: int) -> tuple[SavedCall, Heard | None]:
        return self.load(call_id), self._heard.get((call_id, network_call, sequence))

    def save(self, change: Change) -> None:
        self._reach()
        self.before_save()
        call = change.after
        row = self.rows[call.id]
        if row.version != change.before.version:
            raise RaceLost(call.id)
        heard = change.heard
        if heard is not None and (call.id, heard.network_call, heard.sequence) in self._heard:
            raise EventAlreadyHeard(call.id)
        if change.closes and call.id in self.cdrs:
            raise CdrAlreadyWritten(call.id)
        listener = None if change.wakes is not None else row.listener
        self.rows[call.id] = SavedCall(call, row.version + 1, listener)
        self.facts[call.id] += change.facts
        if heard is not None:
            self._heard[call.id, heard.network_call, heard.sequence] = heard
        if change.wakes is not None:
            self.wakes.append(change.wakes)
        if change.closes:
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

    def in_use(self, app_key: str) -> int:
        return len(self.slots.get(app_key, ()))

    def told(self, call_id: str, sequence: int) -> bool:
        mine = [delivery for told, number, delivery in self.deliveries if (told, number) == (call_id, sequence)]
        return bool(mine) and mine[-1].taken

    def record_delivery(self, call_id: str, sequence: int, delivery: Delivery) -> None:
        if not self.told(call_id, sequence):
            self.deliveries.append((call_id, sequence, delivery))

    def change(self, call_id: str, **fields: object) -> None:
        """What the flow writes on the row by itself: it steps the version, as the real one does."""
        row = self.rows[call_id]
        listener = fields.pop("listener", row.listener)
        self.rows[call_id] = SavedCall(replace(row.call, **fields), row.version + 1, listener)  # type: ignore[arg-type]

    def _reach(self) -> None:
        if self.out_of_reach:
            raise OutsideUnavailable("calls")
