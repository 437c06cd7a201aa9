"""Calls in memory, with the same conditions as the real store, and with the stream behind it."""

import threading
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from duologue.adapters.rows.call_rows import event_key, own_event_key
from duologue.call_control.app_events import CommittedFacts, EventPosition, UndeliveredFact
from duologue.call_control.facts import CallAccepted, Fact
from duologue.call_control.history import Delivery, DeliveryState, History
from duologue.call_control.trace import TracedEvent
from duologue.domain.access.accounts import App
from duologue.domain.accounting.acceptance_limits import NO_LIMITS, AcceptanceLimits, until_next_day
from duologue.domain.accounting.cdr import Cdr, cdr_of
from duologue.domain.accounting.day_budget import Reservation, Used
from duologue.domain.calls.call import Call
from duologue.domain.calls.due import RECONCILIATION, due_by
from duologue.domain.calls.idempotency import KEPT, IdempotencyKey
from duologue.domain.calls.node import node_of_call
from duologue.domain.calls.task_token import TaskToken
from duologue.domain.errors import (
    CallAlreadyAccepted,
    CalleeLimitReached,
    CallerHungUp,
    CdrAlreadyWritten,
    DayCeilingReached,
    DialledNumberLimitReached,
    EventAlreadyProcessed,
    KeyReused,
    LimitReached,
    OutsideUnavailable,
    PairBusy,
    RaceLost,
    RequestRepeated,
    StaleAttempt,
    TooManyCalls,
    TooManyPings,
    TooManyRequests,
    UnknownApp,
    UnknownCall,
)
from duologue.domain.notifying.endpoint_health import EndpointHealth
from duologue.usecases.notifying.forward_facts import Committed
from duologue.usecases.ports.call_changes import Change, HeldSlot, ProcessedEvent, SavedCall
from duologue.usecases.ports.calls import EndedCall
from duologue.usecases.ports.memories import InboundAnswer
from duologue.usecases.ports.notifying import Claimed, Notice, Notification, Waiting
from tests.fakes.memory_book import FakeMemories
from tests.samples import NOW

KEEP_CALLS = timedelta(days=90)


class FakeCalls:
    """Plays every role of `usecases.ports.calls`, and `NotificationLog`.

    `before_save` runs before each save, for what happens between a read and a write. `committed` is the stream: what
    each change added, in order; `on_commit` hears of each.
    """

    def __init__(self) -> None:
        self.rows: dict[str, SavedCall] = {}
        self.tokens: dict[str, TaskToken] = {}
        self.facts: dict[str, dict[str, dict[int, Fact]]] = {}
        """By call, then by the item that holds them, then by sequence."""
        self.cdrs: dict[str, Cdr] = {}
        self.slots: dict[str, set[str]] = {}
        """By app, the calls that hold one."""
        self.numbers: dict[str, int] = {}
        """By call, the number of the slot that it took."""
        self.pairs: dict[tuple[str, str], str] = {}
        """By app and pair, the return call that holds it."""
        self.keys: dict[tuple[str, str], tuple[str, str, datetime]] = {}
        self.budgets: dict[tuple[str, str], Used] = {}
        """By app and day."""
        self.reserved: dict[str, Reservation] = {}
        """By call that is not over."""
        self.counts: Counter[tuple[object, ...]] = Counter()
        self.deliveries: dict[tuple[str, int], Delivery] = {}
        """By call and sequence."""
        self.waiting: dict[tuple[str, int], tuple[Notice, datetime]] = {}
        """The same of those that wait, with when the sweeper looks at them."""
        self.hung_up: set[str] = set()
        """Calls to display numbers whose callers hung up before they were recorded."""
        self.to_reconcile: dict[str, datetime] = {}
        """By call, from when on."""
        self.now = NOW
        self.listed: list[tuple[str, EventPosition]] = []
        """App and position of each event."""
        self.requests_end: dict[str, datetime] = {}
        self.pings: Counter[tuple[str, int]] = Counter()
        """By app and minute."""
        self.health: dict[str, EndpointHealth] = {}
        """By app."""
        self.committed: list[Committed] = []
        self.on_commit: Callable[[Committed], None] = self.committed.append
        self.apps: dict[str, App] = {}
        """For notifications."""
        self.memories = FakeMemories()
        self._one_at_a_time = threading.Lock()
        self.before_save: Callable[[], None] = lambda: None
        self.out_of_reach = False
        self.unreadable: dict[str, Exception] = {}
        """What reading these calls raises."""
        self._processed: dict[tuple[str, str, str], ProcessedEvent] = {}

    # ---- plays Acceptance

    def accept(self, call: Call, *, slots: int, close_by: datetime, limits: AcceptanceLimits = NO_LIMITS) -> SavedCall:
        self._reach()
        with self._one_at_a_time:
            self._accept(call, slots, limits)
            self.rows[call.id] = SavedCall(call, 1, close_by=close_by)
            self.facts[call.id] = {}
            return self.rows[call.id]

    def _accept(self, call: Call, slots: int, limits: AcceptanceLimits) -> None:
        at, held = call.accepted_at, self.slots.setdefault(call.app, set())
        second, today = (call.app, int(at.timestamp())), (call.app, limits.callee)
        if limits.key is not None and self._first(call.app, limits.key, at) is not None:
            raise RaceLost("the idempotency key is taken")
        if limits.per_second and self.counts[second] >= limits.per_second:
            raise TooManyCalls(call.app)
        for rate in limits.rates:
            if self.counts[rate.of, rate.name, rate.begins(at)] >= rate.most:
                raise rate.refusal(at)
        number = self._free_number(held, slots, limits.spared_slots)
        if number is None:
            raise LimitReached(call.app)
        if (call.app, call.pair) in self.pairs:
            raise PairBusy(call.id)
        if limits.callee is not None and self.counts[today] >= limits.callee.most:
            raise CalleeLimitReached(call.app, until_next_day(at))
        today_numbers = [(call.app, "dialled", each) for each in limits.dialled]
        for each in today_numbers:
            if self.counts[each] >= each[2].most:
                raise DialledNumberLimitReached(each[2].named, until_next_day(at))
        used = Used() if limits.budget is None else self.budgets.get((call.app, limits.budget.day), Used())
        if limits.budget is not None and (what := limits.budget.exceeded(used)) is not None:
            raise DayCeilingReached(what, until_next_day(at))
        if call.id in self.rows:
            raise CallAlreadyAccepted(call.id)
        if limits.budget is not None:
            self.budgets[call.app, limits.budget.day] = used.plus(limits.budget.takes)
            self.reserved[call.id] = Reservation.of(limits.budget, 0)
        self.counts.update(today_numbers)
        held.add(call.id)
        self.numbers[call.id] = number
        if call.pair is not None:
            self.pairs[call.app, call.pair] = call.id
        self.counts.update([second, today, *((rate.of, rate.name, rate.begins(at)) for rate in limits.rates)])
        if limits.key is not None:
            self.keys[call.app, limits.key.name] = (limits.key.request, call.id, at + KEPT)

    def _free_number(self, held: set[str], slots: int, spared: int) -> int | None:
        """The lowest free one below `slots`, first of those that are not spared.

        Calls that a test gave a slot hold one of those that nobody took.
        """
        taken = {self.numbers[call_id] for call_id in held if call_id in self.numbers}
        free = [number for number in (*range(spared, slots), *range(min(spared, slots))) if number not in taken]
        given = sum(call_id not in self.numbers for call_id in held)
        return free[given] if given < len(free) else None

    def _first(self, app_key: str, key: IdempotencyKey, now: datetime) -> tuple[str, str] | None:
        request, call_id, until = self.keys.get((app_key, key.name), ("", "", now))
        return (request, call_id) if until > now else None

    def check_repeat(self, app_key: str, key: IdempotencyKey, now: datetime) -> None:
        self._reach()
        with self._one_at_a_time:  # the key is there with its call, or neither is
            first = self._first(app_key, key, now)
        if first is None:
            return
        if first[0] != key.request:
            raise KeyReused(app_key)
        raise RequestRepeated(first[1])

    def withdraw(self, change: Change, limits: AcceptanceLimits) -> None:
        call = change.after
        self.save(change)
        self.counts.subtract([(call.app, limits.callee), *((call.app, "dialled", each) for each in limits.dialled)])
        if limits.budget is not None:
            day = call.app, limits.budget.day
            self.budgets[day] = self.budgets[day].plus(Used(calls=-1))
        if limits.key is not None:
            self.keys.pop((change.after.app, limits.key.name), None)

    def in_use(self, app_key: str) -> int:
        return len(self.slots.get(app_key, ()))

    # ---- for FakeInboundCalls

    def processed(self, call_id: str, network_call: str, event: str) -> ProcessedEvent | None:
        return self._processed.get((call_id, network_call, event))

    def begin(self, answer: InboundAnswer) -> None:
        """As InboundCalls.accept."""
        self._reach()
        self.before_save()
        call, event = answer.call, answer.processed
        with self._one_at_a_time:
            if self.processed(call.id, event.network_call, event.key) is not None:
                raise EventAlreadyProcessed(call.id)
            if call.ended_at is None and call.id in self.hung_up:
                raise CallerHungUp(call.id)
            if answer.slots is not None:
                if (call.app, call.pair) in self.pairs:
                    raise PairBusy(call.id)
                self._accept(call, answer.slots, answer.limits)
            if call.id in self.rows:
                raise CallAlreadyAccepted(call.id)
            self.rows[call.id] = SavedCall(call, 1, close_by=None if call.ended_at else due_by(call))
        if answer.remembers is not None:
            with suppress(OutsideUnavailable):  # a memory never costs a call
                self.memories.remember(answer.remembers)
        self._processed[call.id, event.network_call, event.key] = event
        item = event_key(event.network_call, event.key)
        facts = dict(enumerate(answer.facts, 1))
        self.facts[call.id] = {item: facts}
        self._list(call, 1, 0)
        if call.ended_at is not None:
            self._end(call)
        notices = tuple(Notice(call.id, number, item, call.app) for number in facts)
        self.on_commit(Committed(call.id, notices, starts_flow=answer.slots is not None))

    # ---- plays Calls

    def load(self, call_id: str) -> SavedCall:
        self._reach()
        if call_id in self.unreadable:
            raise self.unreadable[call_id]
        try:
            look_at = self.to_reconcile.get(call_id)
            return replace(self.rows[call_id], task_token=self.tokens.get(call_id), reconcile_at=look_at)
        except KeyError:
            raise UnknownCall(call_id) from None

    def load_for(self, call_id: str, network_call: str, event: str) -> tuple[SavedCall, ProcessedEvent | None]:
        return self.load(call_id), self._processed.get((call_id, network_call, event))

    def save(self, change: Change) -> None:
        self._reach()
        self.before_save()
        call, event = change.after, change.processed
        row = self.rows[call.id]
        if row.version != change.before.version:
            raise RaceLost(call.id)
        if event is not None and (call.id, event.network_call, event.key) in self._processed:
            raise EventAlreadyProcessed(call.id)
        if change.finalizes and call.id in self.cdrs:
            raise CdrAlreadyWritten(call.id)
        if change.remembers is not None:
            with suppress(OutsideUnavailable):  # a memory never costs a call
                self.memories.remember(change.remembers)
        mark = None if change.clears_dial_mark else change.dial_mark or row.dial_mark
        second = max(int(self.now.timestamp()), row.event_second) if change.facts else row.event_second
        self.rows[call.id] = SavedCall(call, row.version + 1, None, mark, _close_by(change, row), second)
        if event is not None:
            self._processed[call.id, event.network_call, event.key] = event
        if event is not None or change.facts or change.resumes is not None:
            self._record(change)
        if change.finalizes:
            self._end(call)
            self._free(call.app, call.id, call.pair)
            if held := self.reserved.pop(call.id, None):
                self.budgets[call.app, held.day] = self.budgets[call.app, held.day].plus(held.settled(call))

    def _end(self, call: Call) -> None:
        self.cdrs[call.id] = cdr_of(call, self.rows[call.id].version, KEEP_CALLS)
        self.to_reconcile[call.id] = self.now + RECONCILIATION

    def _record(self, change: Change) -> None:
        call, event = change.after, change.processed
        own = own_event_key(change.before.version)
        item = own if event is None else event_key(event.network_call, event.key)
        facts = dict(enumerate(change.facts, call.facts - len(change.facts) + 1))
        self.facts[call.id][item] = facts
        if facts:
            self._list(call, min(facts), change.before.event_second)
        notices = tuple(Notice(call.id, number, item, call.app) for number in facts)
        self.on_commit(Committed(call.id, notices, change.resumes))

    def note_hang_up(self, call_id: str) -> None:
        self._reach()
        self.hung_up.add(call_id)

    def store_token(self, call_id: str, token: TaskToken) -> None:
        self._reach()
        if call_id in self.tokens and self.tokens[call_id].rank > token.rank:
            raise StaleAttempt(call_id)
        self.tokens[call_id] = token

    def task_token(self, call_id: str) -> TaskToken | None:
        self._reach()
        return self.tokens.get(call_id)

    # ---- plays Histories and NotificationLog

    def history(self, call_id: str) -> History:
        call = self.load(call_id).call
        facts: dict[int, Fact] = {1: CallAccepted(call.accepted_at)}
        for of_item in self.facts[call_id].values():
            facts |= of_item
        in_order = tuple(fact for _, fact in sorted(facts.items()))
        sources = {number: item for item, of_item in self.facts[call_id].items() for number in of_item}
        token = self.tokens.get(call_id)
        return History(call, in_order, self._deliveries(call_id), self.cdrs.get(call_id), sources, token)

    def trace(self, call_id: str) -> tuple[History, Sequence[TracedEvent]]:
        history, first, events = self.history(call_id), 1, []
        for item, facts in self.facts[call_id].items():
            _, network_call, key = item.split("#", 2)
            processed = self._processed.get((call_id, network_call, key))
            first = min(facts, default=first)
            at = facts[first].at if facts else None
            answer, resumes = ("", None) if processed is None else (processed.answer, processed.resumes)
            events.append(TracedEvent(network_call, key, at, first, tuple(facts.values()), answer, resumes))
            first += len(facts)
        return history, events

    def notification(self, notice: Notice) -> Notification:
        call = self.load(notice.call_id).call
        facts = self.facts[notice.call_id].get(notice.source, {})
        if notice.sequence not in facts:
            raise UnknownCall(notice.call_id)
        if notice.app not in self.apps:
            raise UnknownApp(notice.app)
        delivery, before = (self.deliveries.get((call.id, notice.sequence - back)) for back in (0, 1))
        app, cdr = self.apps[notice.app], self.cdrs.get(call.id)
        health = self.endpoint_health(app.key)
        follows = before is not None and not before.is_put_off
        return Notification(call, facts[notice.sequence], app, cdr, delivery, follows, health)

    def deliveries_of(self, wanted: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], Delivery]:
        self._reach()
        return {each: self.deliveries[each] for each in wanted if each in self.deliveries}

    def endpoint_health(self, app_key: str) -> EndpointHealth:
        return self.health.get(app_key, EndpointHealth())

    def save_health(self, app_key: str, health: EndpointHealth, now: datetime) -> None:
        self._reach()
        if self.health.get(app_key, health).version != health.version:
            raise RaceLost(app_key)
        self.health[app_key] = replace(health, version=health.version + 1)

    def not_attempted(self, notice: Notice) -> Sequence[Notice]:
        self._reach()
        sources = {number: item for item, facts in self.facts[notice.call_id].items() for number in facts}
        before = [(number, source) for number, source in sorted(sources.items()) if number < notice.sequence]
        found = [(number, source, self.deliveries.get((notice.call_id, number))) for number, source in before]
        return [
            replace(notice, sequence=number, source=source, version=0 if delivery is None else delivery.version)
            for number, source, delivery in found
            if delivery is None or delivery.is_put_off
        ]

    def is_later_acknowledged(self, call: Call, sequence: int) -> bool:
        self._reach()
        deliveries = self._deliveries(call.id)
        return any(deliveries[number].is_acknowledged for number in deliveries if number > sequence)

    def save_delivery(self, notice: Notice, delivery: Delivery, look_at: datetime | None = None) -> int:
        self._reach()
        key, saved = (notice.call_id, notice.sequence), replace(delivery, version=delivery.version + 1)
        if key in self.deliveries and self.deliveries[key].version != delivery.version:
            raise RaceLost(notice.call_id)
        self.deliveries[key] = saved
        self.waiting.pop(key, None)
        look_at = look_at or delivery.due
        if look_at is not None:
            self.waiting[key] = (replace(notice, version=saved.version), look_at)
        return saved.version

    def give_up(self, notice: Notice, why: str) -> None:
        self._reach()
        key = (notice.call_id, notice.sequence)
        if key in self.waiting:
            del self.waiting[key]
            state = DeliveryState.UNDELIVERED
            self.deliveries[key] = replace(self.deliveries[key], state=state, note=why, due=None)

    def _deliveries(self, call_id: str) -> dict[int, Delivery]:
        return {sequence: delivery for (of, sequence), delivery in self.deliveries.items() if of == call_id}

    # ---- plays RequestLimit and PingLimit

    def count_request(self, app_key: str, now: datetime, most: int) -> None:
        """A bucket of a second's worth, which refills evenly."""
        ends, share = max(self.requests_end.get(app_key, now), now), timedelta(seconds=1) / most
        if ends - now > timedelta(seconds=1) - share:
            raise TooManyRequests(app_key, timedelta(seconds=1))
        self.requests_end[app_key] = ends + share

    def count_ping(self, app_key: str, now: datetime, most: int) -> None:
        minute, second = divmod(int(now.timestamp()), 60)
        if self.pings[app_key, minute] >= most:
            raise TooManyPings(app_key, timedelta(seconds=60 - second))
        self.pings[app_key, minute] += 1

    # ---- plays AppEvents

    def _list(self, call: Call, first: int, before: int) -> None:
        self.listed.append((call.app, EventPosition(max(int(self.now.timestamp()), before), call.id, first)))

    def after(
        self, app_key: str, position: EventPosition | None, until_second: int, limit: int
    ) -> Sequence[CommittedFacts]:
        self._reach()
        found = sorted(each for app, each in self.listed if app == app_key and (position is None or each > position))
        return [self._committed(each) for each in found if each.second <= until_second][:limit]

    def undelivered(self, app_key: str, position: EventPosition | None, limit: int) -> Sequence[UndeliveredFact]:
        self._reach()
        states = (DeliveryState.WAITING, DeliveryState.UNDELIVERED)
        found = [
            (EventPosition(int(delivery.since.timestamp()), *key), delivery)
            for key, delivery in self.deliveries.items()
            if delivery.state in states and self.rows[key[0]].call.app == app_key
        ]
        found.sort(key=lambda each: each[0])
        return [UndeliveredFact(*each) for each in found if position is None or each[0] > position][:limit]

    def _committed(self, position: EventPosition) -> CommittedFacts:
        [facts] = [facts for facts in self.facts[position.call_id].values() if position.first in facts]
        return CommittedFacts(position, self.rows[position.call_id].call, facts, self.cdrs.get(position.call_id))

    # ---- plays WaitingNotifications

    def due(self, now: datetime, limit: int) -> Iterable[Waiting]:
        self._reach()
        found = [(look_at, *key) for key, (_, look_at) in self.waiting.items() if look_at <= now]
        return [Waiting(call_id, str(sequence), str(at)) for at, call_id, sequence in sorted(found)[:limit]]

    def claim(self, waiting: Waiting, until: datetime) -> Claimed | None:
        self._reach()
        key = (waiting.call_id, int(waiting.item))
        notice, look_at = self.waiting.get(key, (None, None))
        if notice is None or str(look_at) != waiting.look_at:
            return None
        self.waiting[key] = (notice, until)
        return Claimed(notice, self.deliveries[key].is_put_off)

    # ---- plays OpenCalls

    def overdue(self, now: datetime, limit: int) -> Sequence[str]:
        due = sorted((row.close_by, each) for each, row in self.rows.items() if row.close_by and row.close_by <= now)
        return [call_id for _, call_id in due[:limit]]

    def open_calls(self) -> Set[str]:
        return {call_id for call_id, row in self.rows.items() if row.close_by is not None}

    def on_nodes(self, nodes: Container[str]) -> Mapping[str, str]:
        rows = {call_id: self.rows[call_id] for call_id in self.open_calls()}
        found = {call_id: node_of_call(row.call.network_call, row.dial_mark) for call_id, row in rows.items()}
        return {call_id: node for call_id, node in found.items() if node in nodes}

    def held_slots(self) -> Iterable[HeldSlot]:
        pairs = {call_id: pair for (_, pair), call_id in self.pairs.items()}
        held = [(app, call_id) for app, calls in self.slots.items() for call_id in sorted(calls)]
        return [HeldSlot(app, call_id, pair=pairs.get(call_id)) for app, call_id in held]

    def free_slot(self, slot: HeldSlot) -> bool:
        if slot.call_id in self.open_calls() or slot.call_id not in self.slots[slot.app]:
            return False
        self._free(slot.app, slot.call_id, slot.pair)
        return True

    # ---- plays EndedCalls

    def unreconciled(self, now: datetime, limit: int) -> Iterable[EndedCall]:
        self._reach()
        found = sorted((look_at, call_id) for call_id, look_at in self.to_reconcile.items() if look_at <= now)
        return [EndedCall(call_id, str(look_at)) for look_at, call_id in found[:limit]]

    def postponed(self, ended: EndedCall, until: datetime) -> None:
        self._reach()
        if str(self.to_reconcile.get(ended.call_id)) == ended.look_at:
            self.to_reconcile[ended.call_id] = until

    def reconciled(self, ended: EndedCall) -> None:
        self._reach()
        if str(self.to_reconcile.get(ended.call_id)) == ended.look_at:
            del self.to_reconcile[ended.call_id]

    def _free(self, app_key: str, call_id: str, pair: str | None) -> None:
        self.slots.get(app_key, set()).discard(call_id)
        self.pairs.pop((app_key, pair or ""), None)

    # ---- for tests

    def facts_of(self, call_id: str) -> list[Fact]:
        """The facts that were recorded of a call, in order."""
        return list(self.history(call_id).facts)

    def change(self, call_id: str, **fields: object) -> None:
        """What somebody else writes in between: it steps the version, as any write does."""
        row = self.rows[call_id]
        self.rows[call_id] = replace(row, call=replace(row.call, **fields), version=row.version + 1)  # type: ignore[arg-type]

    def _reach(self) -> None:
        if self.out_of_reach:
            raise OutsideUnavailable("calls")


def _close_by(change: Change, row: SavedCall) -> datetime | None:
    if change.finalizes or row.close_by is None:
        return None
    due = due_by(change.after)
    return due if change.postpones or due < row.close_by else row.close_by
