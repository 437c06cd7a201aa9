"""A platform in memory, with calls of every kind, and the console over it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from duologue.call_control.events import CallEvent, LegEnded, RecordingStarted, StopAsked
from duologue.call_control.facts import CdrWritten
from duologue.call_control.history import Attempt, Delivery, DeliveryState, url_of
from duologue.call_control.trace import FlowStep
from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.audit import AuditEntry, AuditFilter
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import Call
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.media.recording import published_key
from duologue.domain.memory.call_memory import MemoryTerms, RememberedParty, memory_of_call
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.operator.console.desk import Desk
from duologue.operator.console.pages import Pages
from duologue.usecases.memory.find_memory import FindMemory
from duologue.usecases.notifying.manage_notifications import ManageNotifications
from duologue.usecases.operating.end_calls import EndCalls
from duologue.usecases.operating.show_call import ShowCall
from duologue.usecases.ports.call_changes import ProcessedEvent, SavedCall
from duologue.usecases.ports.notifying import Notice
from duologue.usecases.until_written import no_pause
from tests.call_control.stories import (
    BRIDGE_TIMED_OUT,
    CALLEE_LEFT,
    CALLEE_WANTED,
    CALLER_ANSWERED,
    CALLER_DIALLED,
    CALLER_LEFT,
    CALLER_RANG,
    TALKING,
    Story,
)
from tests.fakes.accounts import FakeAccounts
from tests.fakes.audit import FakeAudit
from tests.fakes.call_lists import FakeCallLists
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.flows import FakeFlows
from tests.fakes.inbound_calls import FakeInboundCalls
from tests.fakes.memories import FakeMemorySeal
from tests.fakes.recordings import FakeRecordings
from tests.fakes.traces import FakeFlowHistories
from tests.samples import CALLEE, CALLER, LEG_A, NETWORK_CALL, NOW, SHOWN_TO_CALLEE, SHOWN_TO_CALLER, at, callback
from tests.wavs import TONE, wav

Shifted = TypeVar("Shifted")
TOKEN = "token-of-this-run"
PORT = 8089
BASE = f"http://127.0.0.1:{PORT}"
BUSY = LegEnded(at(8), NETWORK_CALL, CALLER_ANSWERED.party, LEG_A, 486)
FAILED: tuple[CallEvent, ...] = (CALLER_DIALLED, CALLER_RANG, BUSY)
TALKED: tuple[CallEvent, ...] = (CALLER_DIALLED, CALLER_RANG, *TALKING[2:], CALLEE_LEFT, CALLER_LEFT)
NOT_ANSWERED: tuple[CallEvent, ...] = (
    *(CALLER_DIALLED, CALLER_RANG, CALLER_ANSWERED, CALLEE_WANTED, BRIDGE_TIMED_OUT),
    replace(CALLER_LEFT, at=at(36)),
)
STEPS = (("Ring the caller", 0, 3), ("Ring the callee", 3, 9), ("Talk", 9, 60))


def shifted(value: Shifted, by: timedelta) -> Shifted:
    """With every time in it moved."""
    if isinstance(value, datetime):
        return value + by
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: shifted(getattr(value, each.name), by) for each in fields(value)})
    return value


class Reader:
    """Plays `AuditReader` over what was added."""

    def __init__(self, audit: FakeAudit) -> None:
        self._audit = audit

    def entries(self, wanted: AuditFilter, since: datetime, now: datetime, limit: int) -> Sequence[AuditEntry]:
        found = [each for each in reversed(self._audit.entries) if wanted.takes(each) and each.at >= since]
        return found[:limit]


class World:
    """`now`: half past ten on the day of the samples, so that their calls were placed an hour and a half ago."""

    def __init__(self) -> None:
        self.calls, self.accounts, self.seal = FakeCalls(), FakeAccounts(), FakeMemorySeal()
        self.flows, self.flow_histories, self.recordings = FakeFlows(), FakeFlowHistories(), FakeRecordings()
        self.lists, self.audit = FakeCallLists(self.calls), FakeAudit()
        self.clock = FakeClock(NOW + timedelta(hours=1, minutes=30))
        shown = (SHOWN_TO_CALLER.e164, SHOWN_TO_CALLEE.e164)
        for sp, key, numbers in (("sp-1", "app-1", shown), ("acme", "app-2", ("+12025550102",))):
            self.accounts.add_sp(Sp(sp, sp, "hash"))
            self.accounts.add_app(App(key, sp, "secret", display_numbers=numbers, spend_per_day=50))
        find = FindMemory(
            FakeInboundCalls(self.calls, self.accounts), self.calls.memories, self.seal, self.clock, "displayNbr"
        )
        self.desk = Desk(
            lists=self.lists,
            usages=self.lists,
            accounts=self.accounts,
            listed_apps=self.accounts.listed_apps,
            show=ShowCall(self.calls, self.flow_histories, self.recordings, find),
            recordings=self.recordings,
            notifications=ManageNotifications(self.calls, self.calls, self.calls, self.clock),
            log=self.calls,
            memories=self.calls.memories,
            seal=self.seal,
            audit=self.audit,
            audit_reader=Reader(self.audit),
            end_calls=EndCalls(self.calls, self.calls, self.flows, self.clock, no_pause),
            clock=self.clock,
            host=lambda: "duologue.example.com",
            who=lambda: "arn:aws:iam::111122223333:user/olga",
            keep_recordings_days=self._keep_recordings_days,
        )
        self.wait: Callable[[], Any] = _no_wait
        self.kept_days: int | None = 7
        """The platform's retention of recordings; None: the stack cannot be read."""
        self._count = 0

    def _keep_recordings_days(self) -> int:
        if self.kept_days is None:
            raise OutsideUnavailable("the stack")
        return self.kept_days

    @property
    def pages(self) -> Pages:
        return Pages(self.desk, TOKEN, UTC, lambda: self.wait())

    def id(self, age: timedelta) -> str:
        self._count += 1
        return f"{self._count}_2_3_{self.clock.now() - age:%Y%m%d%H%M%S}"

    def place(self, *events: CallEvent, age: timedelta = timedelta(hours=1), told: bool = True, **changes: Any) -> Call:
        """A call that was accepted `age` ago, into which these events were played. `told`: the SP acknowledged all.

        `changes`: of the accepted call.
        """
        by = self.clock.now() - age - NOW
        story = Story(call=replace(callback(self.id(age)), **changes))
        call_id, sequence = story.call.id, 2
        self.calls.facts[call_id] = {}
        for number, event in enumerate(events):
            before = len(story.facts)
            story.play(event)
            facts = [shifted(fact, by) for fact in story.facts[before:]]
            key = f"EVENT#{NETWORK_CALL}#{number:06d}"
            self.calls.facts[call_id][key] = dict(enumerate(facts, sequence))
            answer = json.dumps({"SchemaVersion": "1.0", "Actions": [{"Parameters": {"To": CALLEE.e164}}]})
            self.calls._processed[call_id, NETWORK_CALL, f"{number:06d}"] = ProcessedEvent(
                NETWORK_CALL, f"{number:06d}", answer, story.last.resumes
            )
            for place, fact in enumerate(facts, sequence):
                if told and url_of(story.call, fact):
                    self.calls.deliveries[call_id, place] = acknowledged(fact.at, isinstance(fact, CdrWritten))
            sequence += len(facts)
        call = shifted(story.call, by)
        open_until = None if call.ended_at else self.clock.now() + timedelta(hours=4)
        self.calls.rows[call_id] = SavedCall(call, 1, close_by=open_until)
        if call.ended_at:
            self.calls.cdrs[call_id] = cdr_of(call)
        self.lists.repair([call])
        steps = [FlowStep(state, at(begins) + by, at(ends) + by) for state, begins, ends in STEPS]
        steps = steps[: 3 if call.callee.answered_at else 1]
        last = steps[-1] if call.ended_at else replace(steps[-1], left_at=None)
        self.flow_histories.of[call_id] = [*steps[:-1], last]
        return call

    def fill(self, count: int) -> None:
        """So many calls of the last ten days, in the list alone, none of a number that ends in 87."""
        ended = [self.place(*events, age=timedelta(days=11)) for events in (FAILED, TALKED, NOT_ANSWERED)]
        apart = timedelta(days=10) / count
        for number in range(count):
            call, age = ended[number % 3], timedelta(minutes=2) + apart * number
            leg = replace(call.caller, number=numbered(100 + number % 87))
            other = replace(call, id=self.id(age), accepted_at=self.clock.now() - age, caller=leg)
            self.calls.rows[other.id] = SavedCall(other, 1)
            self.lists.listed.add(other.id)

    def fail(self, call: Call, sequence: int, tries: int = 3, *, waits: bool = False) -> None:
        """Let the SP's server fail to take a notification, `tries` times."""
        first = call.ended_at or call.accepted_at
        times = [first + timedelta(seconds=10 * 4**number) for number in range(tries)]
        attempts = tuple(
            Attempt(
                time,
                "https://user:pw@sp.example.com/status?n=1",
                503,
                timedelta(milliseconds=40),
                "HTTP 503",
                "down: +12025550177",
            )
            for time in times
        )
        state = DeliveryState.WAITING if waits else DeliveryState.UNDELIVERED
        due = self.clock.now() + timedelta(minutes=10) if waits else None
        delivery = Delivery(state, times[0], attempts, tries, due=due, version=1)
        self.calls.deliveries[call.id, sequence] = delivery

    def record(self, call: Call, *, seconds: int = 3) -> Call:
        """Let the published recording of a call be there."""
        self.recordings.sounds[published_key(call.app, call.id)] = wav(TONE * seconds)
        return call

    def remember(self, **changes: Any) -> dict[str, Any]:
        """What a call is placed with that makes a memory."""
        terms = MemoryTerms(callback().ring_limit, callback().longest_talk)
        parties = RememberedParty(CALLEE, "US"), RememberedParty(CALLER, "US")
        return {"memory": self.seal.draft(SHOWN_TO_CALLEE, *parties, terms), **changes}

    def keep_memory(self, call: Call) -> None:
        memory = memory_of_call(call)
        assert memory is not None
        self.calls.memories.remember(memory)

    def notice(self, call: Call, sequence: int) -> Notice:
        [source] = [item for item, facts in self.calls.facts[call.id].items() if sequence in facts]
        return Notice(call.id, sequence, source, call.app)


def acknowledged(time: datetime, of_cdr: bool) -> Delivery:
    url = "https://sp.example.com/fee" if of_cdr else "https://sp.example.com/status"
    attempt = Attempt(time, url, 200, timedelta(milliseconds=12), reply='{"resultcode":"0"}')
    return Delivery(DeliveryState.ACKNOWLEDGED, time, (attempt,), 1, version=1)


def stopped(seconds: float) -> StopAsked:
    return StopAsked(at(seconds))


def recorded(seconds: float) -> RecordingStarted:
    return RecordingStarted(at(seconds), NETWORK_CALL, "calls/app-1/x/audio.wav")


def numbered(last: int) -> PhoneNumber:
    return PhoneNumber(f"+1202555{last:04d}")


async def _no_wait() -> None:
    """A stream looks again at once."""
