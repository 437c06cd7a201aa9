"""The stream of the calls table and the two queues of notifications, as AWS delivers them: at least once.

Stream: a batch that failed comes again after a moment. FIFO queue: one group per call, in order, a repeat within five
minutes is dropped; a message whose function failed comes again when it is given back, one whose process ended after
the visibility time-out. Retry queue: the same without order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from duologue.adapters.notifying.sqs_notices import written
from duologue.usecases.notifying.forward_facts import Committed
from duologue.usecases.ports.notifying import NO_WAIT, Notice
from tests.journeys.flow_player import FunctionDied
from tests.simulation import fibers
from tests.simulation.fibers import FiberClock

_POLL, _STREAM_AGAIN, _HIDDEN, _DEDUPLICATED = 0.05, 1.0, 360.0, timedelta(minutes=5)
_MOST_RECEIVED, _MOST_CHAINED = 40, 16
"""How often a message is received, and how often in a row a function may send one to its own queue (docs of AWS Lambda,
Recursive loop detection), before it goes to the dead-letter queue."""
FIRST, RETRY = "first.fifo", "retry"


@dataclass
class Stream:
    """`run` invokes the outbox with a batch of one call; raises if it fails."""

    clock: FiberClock
    run: Callable[[list[Committed]], None]
    late: Callable[[Committed], float]
    """By how many seconds a record is late: it is then out of order."""
    _pending: dict[str, list[Committed]] = field(default_factory=dict)

    def __call__(self, committed: Committed) -> None:
        late = self.late(committed)
        if late:
            self.clock.call_later(late, lambda: self._add(committed))
        else:
            self._add(committed)

    def _add(self, committed: Committed) -> None:
        waiting = self._pending.get(committed.call_id)
        if waiting is None:
            self._pending[committed.call_id] = [committed]
            self.clock.call_later(_POLL, lambda: self._poll(committed.call_id))
        else:
            waiting.append(committed)

    def _poll(self, call_id: str) -> None:
        waiting = self._pending[call_id]
        batch = list(waiting)
        try:
            self.run(batch)
        except (Exception, FunctionDied):  # noqa: BLE001 - whatever it was, the batch comes again
            self.clock.call_later(_STREAM_AGAIN, lambda: self._poll(call_id))
            return
        del waiting[: len(batch)]
        if waiting:
            self.clock.call_later(_POLL, lambda: self._poll(call_id))
        else:
            del self._pending[call_id]


@dataclass
class _Message:
    notice: Notice
    received: int = 0
    hidden: float = _HIDDEN
    chain: int = 0
    """Invocations of notify_sp that led to each other, up to this message."""


@dataclass
class Queues:
    """Plays `Notices`. `run` invokes notify_sp with a batch event; it returns what the function did."""

    clock: FiberClock
    run: Callable[[dict[str, Any], Notice, int], dict[str, Any]]
    dead: list[Notice] = field(default_factory=list)
    """Received too often."""
    _groups: dict[str, deque[_Message]] = field(default_factory=dict)
    _sent: dict[tuple[str, int, int], datetime] = field(default_factory=dict)
    _receipts: dict[str, _Message] = field(default_factory=dict)

    def queue(self, notices: Iterable[Notice]) -> None:
        now = self.clock.now()
        for notice in notices:
            key = notice.call_id, notice.sequence, notice.version
            if key in self._sent and now - self._sent[key] < _DEDUPLICATED:
                continue
            self._sent[key] = now
            group = self._groups.setdefault(notice.call_id, deque())
            group.append(_Message(notice))
            if len(group) == 1:
                self.clock.call_later(0.01, partial(self._work, notice.call_id))

    def queue_again(self, notices: Iterable[Notice], wait: timedelta = NO_WAIT) -> None:
        sender = fibers.current()
        for notice in notices:
            message = _Message(notice, chain=getattr(sender, "chain", 0))
            self.clock.call_later(wait.total_seconds(), partial(self._retry, message))

    def give_back(self, queue: str, receipt: str, received: int) -> None:
        self._receipts[receipt].hidden = min(2.0**received, 300.0)

    def repeat(self, notice: Notice, seconds: float) -> None:
        """The same message once more, whatever happened to it."""
        self.clock.call_later(seconds, partial(self._repeat, notice))

    def _repeat(self, notice: Notice) -> None:
        self._receive(_Message(notice), FIRST)

    def _work(self, call_id: str) -> None:
        group = self._groups[call_id]
        message = group[0]
        if self._receive(message, FIRST):
            group.popleft()
            if not group:
                del self._groups[call_id]
                return
            self.clock.call_later(0.0, lambda: self._work(call_id))
        else:
            self.clock.call_later(message.hidden, lambda: self._work(call_id))

    def _retry(self, message: _Message) -> None:
        if not self._receive(message, RETRY):
            self.clock.call_later(message.hidden, lambda: self._retry(message))

    def _receive(self, message: _Message, queue: str) -> bool:
        """Whether the message is gone."""
        message.received, message.hidden = message.received + 1, _HIDDEN
        if message.received > _MOST_RECEIVED or message.chain > _MOST_CHAINED:
            self.dead.append(message.notice)
            return True
        receipt = f"receipt-{id(message)}"
        self._receipts[receipt] = message
        try:
            failed = self.run(_batch(message, receipt, queue), message.notice, message.chain + 1)["batchItemFailures"]
        except (Exception, FunctionDied):  # noqa: BLE001 - whatever it was, the message comes again
            return False
        finally:
            del self._receipts[receipt]
        return not failed


def _batch(message: _Message, receipt: str, queue: str) -> dict[str, Any]:
    record = {
        "messageId": "message",
        "receiptHandle": receipt,
        "body": written(message.notice),
        "attributes": {"ApproximateReceiveCount": str(message.received), "MessageGroupId": message.notice.call_id},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:111122223333:{queue}",
        "awsRegion": "us-east-1",
    }
    return {"Records": [record]}
