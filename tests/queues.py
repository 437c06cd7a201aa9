"""The two queues of notifications and the sweeper on a clock that jumps, by the rules of AWS that delay a notification.

* FIFO: of each message group one message at a time is in flight, the oldest; one that failed hides its whole group.
* An event source has so many invocations at once, and takes the message that has been visible for longest.
* A message with a delay is visible after it, to the next whole second.
* Lambda ends a chain of invocations through SQS after some 16: the message reaches the dead-letter queue.

An invocation is a thread, of which one runs at a time: while it waits for an SP, the clock runs the others.
"""

import math
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from duologue.call_control.facts import (
    CallEnded,
    CdrWritten,
    Fact,
    LegAnsweredRecorded,
    LegDialledRecorded,
    LegRingingRecorded,
)
from duologue.domain.access.accounts import App
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest
from duologue.usecases.notifying.notify_sp import NotifySp
from duologue.usecases.notifying.queue_due import QueueDue
from duologue.usecases.ports.call_changes import SavedCall
from duologue.usecases.ports.notifying import NO_WAIT, Notice
from duologue.wire.huawei.notifications import HuaweiWebhooks
from lab.aws.switches import CloudSwitches
from pstn.clocks import JumpingClock
from tests.fakes.calls import FakeCalls
from tests.fakes.recordings import RECORDS
from tests.samples import NOW, callback

Server = Callable[[WebhookRequest], tuple[float, Reply]]
"""An SP's server: for how many seconds it lets the platform wait, and its reply."""


class Invocations:
    """Threads that take turns, each until it waits on the clock."""

    def __init__(self, clock: JumpingClock) -> None:
        self._clock = clock
        self._back = threading.Semaphore(0)
        self._own: ContextVar[threading.Semaphore] = ContextVar("own")
        self._failure: BaseException | None = None

    def begin(self, run: Callable[[], None]) -> None:
        turn = threading.Semaphore(0)

        def work() -> None:
            turn.acquire()
            self._own.set(turn)
            try:
                run()
            except BaseException as failure:  # noqa: BLE001 - it is raised where the clock runs
                self._failure = failure
            self._back.release()

        threading.Thread(target=work, daemon=True).start()
        self._give(turn)

    def wait(self, seconds: float) -> None:
        """In an invocation: let the others run until this time has passed."""
        turn = self._own.get()
        self._clock.call_later(seconds, lambda: self._give(turn))
        self._back.release()
        turn.acquire()

    def _give(self, turn: threading.Semaphore) -> None:
        turn.release()
        self._back.acquire()
        if self._failure is not None:
            raise self._failure


@dataclass
class Message:
    """`chain`: how many invocations led to it. `visible_at`: when it could have been received at the earliest."""

    notice: Notice
    chain: int
    visible_at: datetime
    received: int = 0


@dataclass(frozen=True)
class Received:
    """A message in flight. `behind`: how long it waited because all invocations were busy."""

    notice: Notice
    at: datetime
    behind: timedelta


@dataclass
class EventSource:
    """A queue with its invocations. `group`: of a message; only the first of its group is visible."""

    most: int
    group: Callable[[Notice], Any]
    groups: dict[Any, deque[Message]] = field(default_factory=dict)
    in_flight: set[Any] = field(default_factory=set)
    busiest: int = 0
    received: list[Received] = field(default_factory=list)

    def put(self, message: Message) -> None:
        self.groups.setdefault(self.group(message.notice), deque()).append(message)

    def take(self, now: datetime) -> tuple[Any, Message] | None:
        """The next message to invoke the function with. None: none is visible, or all invocations are busy."""
        heads = (
            (messages[0].visible_at, place, name, messages[0])
            for place, (name, messages) in enumerate(self.groups.items())
            if name not in self.in_flight and messages[0].visible_at <= now
        )
        first = min(heads, default=None, key=lambda head: head[:2]) if len(self.in_flight) < self.most else None
        if first is None:
            return None
        _, _, name, message = first
        self.in_flight.add(name)
        self.busiest = max(self.busiest, len(self.in_flight))
        message.received += 1
        self.received.append(Received(message.notice, now, now - message.visible_at))
        return name, message

    def settle(self, name: Any, *, hidden_until: datetime | None, now: datetime) -> None:
        """After an invocation; None: it succeeded, and its message is deleted."""
        self.in_flight.discard(name)
        messages = self.groups[name]
        if hidden_until is not None:
            messages[0].visible_at = hidden_until
            return
        messages.popleft()
        if messages:
            messages[0].visible_at = max(messages[0].visible_at, now)
        else:
            del self.groups[name]


class DeliveryWorld:
    """Plays `Notices` and `SpEndpoints` for a store of calls and the server of all SPs.

    `store_seconds`: what one invocation takes besides its request. `invocations`, `retries`: concurrency limits.
    `stream_seconds`: from a commit to its notices in the queue, at most; in the order of the commits.
    """

    def __init__(
        self,
        calls: Any,
        server: Server,
        *,
        at: datetime = NOW,
        invocations: int = 100,
        retries: int = 20,
        store_seconds: float = 0.0,
        stream_seconds: float = 0.0,
        seed: int = 1,
    ) -> None:
        self.calls, self.server = calls, server
        self.clock = JumpingClock(at, most_timers=10_000_000)
        self.invocations = Invocations(self.clock)
        self.first = EventSource(invocations, lambda notice: notice.call_id)
        self.retry = EventSource(retries, lambda notice: (notice.call_id, notice.sequence, notice.version))
        self.dead: list[Notice] = []
        self.posts: list[tuple[datetime, str]] = []
        """When each request began, and its `webhook-id`."""
        self.failures: list[OutsideUnavailable] = []
        self._chain: ContextVar[int] = ContextVar("chain", default=0)
        self._longest_chain = CloudSwitches().recursion_limit
        self._store_seconds, self._stream_seconds = store_seconds, stream_seconds
        self._streamed, self._chance = at, random.Random(seed)
        self.notify = NotifySp(
            log=calls,
            webhooks=HuaweiWebhooks("ce1.example.com", lambda: "n1", RECORDS),
            endpoints=self,
            notices=self,
            clock=self.clock,
            chance=self._chance.random,
        )
        self.sweep = QueueDue(calls, self, self.clock)

    # ---- plays Notices

    def queue(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            self.first.put(Message(notice, self._chain.get(), self.clock.now()))
        self._dispatch()

    def stream(self, notices: Iterable[Notice]) -> None:
        """What has just been committed, on its way through the stream and the outbox."""
        now = self.clock.now()
        self._streamed = max(self._streamed, now + timedelta(seconds=self._stream_seconds * self._chance.random()))
        self.clock.call_later((self._streamed - now).total_seconds(), partial(self.queue, list(notices)))

    def queue_again(self, notices: Iterable[Notice], wait: timedelta = NO_WAIT) -> None:
        delay = math.ceil(wait.total_seconds())
        for notice in notices:
            self.retry.put(Message(notice, self._chain.get(), self.clock.now() + timedelta(seconds=delay)))
        self.clock.call_later(delay, self._dispatch)

    # ---- plays SpEndpoints

    def post(self, request: WebhookRequest) -> Reply:
        self.posts.append((self.clock.now(), request.headers["webhook-id"]))
        seconds, reply = self.server(request)
        self.invocations.wait(seconds)
        return reply

    # ---- the event sources

    def _dispatch(self) -> None:
        for source in (self.first, self.retry):
            while taken := source.take(self.clock.now()):
                self.clock.call_later(0, partial(self._invoke, source, *taken))

    def _invoke(self, source: EventSource, name: Any, message: Message) -> None:
        self.invocations.begin(lambda: self._run(source, name, message))

    def _run(self, source: EventSource, name: Any, message: Message) -> None:
        hidden_until = None
        if message.chain >= self._longest_chain:
            self.dead.append(message.notice)
        else:
            self._chain.set(message.chain + 1)
            self.invocations.wait(self._store_seconds)
            try:
                self.notify(message.notice)
            except OutsideUnavailable as error:  # the handler gives the message back (sqs_notices.py)
                self.failures.append(error)
                hidden = min(2**message.received, 300)
                hidden_until = self.clock.now() + timedelta(seconds=hidden)
                self.clock.call_later(hidden, self._dispatch)
        source.settle(name, hidden_until=hidden_until, now=self.clock.now())
        self.clock.call_later(0, self._dispatch)

    # ---- what came of it

    @property
    def first_attempts(self) -> dict[tuple[str, int], datetime]:
        """When each was made, by call and sequence, in this order."""
        found: dict[tuple[str, int], datetime] = {}
        for moment, name in self.posts:
            call, _, number = name.rpartition("-")
            found.setdefault((call, int(number)), moment)
        return found

    def delays(self, app_key: str, kind: type[Fact] | None = None) -> list[float]:
        """Seconds from the commit of each fact of an app's calls to its first attempt. `kind`: of such facts only."""
        calls: FakeCalls = self.calls
        made = self.first_attempts
        return [
            (made[call_id, number] - fact.at).total_seconds()
            for call_id, row in calls.rows.items()
            for facts in calls.facts[call_id].values()
            for number, fact in facts.items()
            if row.call.app == app_key and (call_id, number) in made and isinstance(fact, kind or Fact)
        ]

    # ---- time

    def sweep_every_minute(self, may_find: Callable[[datetime], bool] = lambda now: True) -> None:
        """`may_find`: whether something may be due, where looking is slow."""
        if may_find(self.clock.now()):
            with suppress(OutsideUnavailable):
                self.sweep()
        self.clock.call_later(60, lambda: self.sweep_every_minute(may_find))


STEPS: tuple[tuple[float, Fact], ...] = (
    (0.5, LegDialledRecorded(NOW, Party.CALLER)),
    (2.5, LegRingingRecorded(NOW, Party.CALLER)),
    (5.0, LegAnsweredRecorded(NOW, Party.CALLER)),
    (5.5, LegDialledRecorded(NOW, Party.CALLEE)),
    (7.5, LegRingingRecorded(NOW, Party.CALLEE)),
    (11.0, LegAnsweredRecorded(NOW, Party.CALLEE)),
)
"""What is notified of a callback before its end, with the seconds after its acceptance."""
TALKS = 30.0
"""Its end and its CDR are committed together after so many seconds."""


def play(world: DeliveryWorld, call_id: str, app: App, after: float) -> None:
    """Let a callback of an app be accepted so many seconds from now, with eight notifications to the app's URLs."""
    calls: FakeCalls = world.calls
    calls.apps[app.key] = app
    call = replace(callback(call_id, app.key), notify=NotifyTo(app.status_url, app.fee_url))
    calls.rows[call_id], calls.facts[call_id] = SavedCall(call, 1), {}

    def commit(facts: Sequence[Fact], *, over: bool = False) -> None:
        now, before = world.clock.now(), calls.rows[call_id].call
        call = replace(before, facts=before.facts + len(facts), ended_at=now if over else None)
        if over:
            call = replace(call, ending=EndReason.HUNG_UP)
            calls.cdrs[call_id] = cdr_of(call)
        calls.rows[call_id] = SavedCall(call, 1)
        source = f"EVENT#n#{call.facts:06d}"
        numbered = {before.facts + place: replace(fact, at=now) for place, fact in enumerate(facts, 1)}
        calls.facts[call_id][source] = numbered
        world.stream([Notice(call_id, number, source, app.key) for number in numbered])

    for seconds, fact in STEPS:
        world.clock.call_later(after + seconds, partial(commit, [fact]))
    ends = (CallEnded(NOW, EndReason.HUNG_UP), CdrWritten(NOW))
    world.clock.call_later(after + TALKS, partial(commit, ends, over=True))
