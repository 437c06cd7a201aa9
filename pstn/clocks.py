"""Two clocks that run timers: one jumps from timer to timer (for tests), one runs in real time.

Both run one callback at a time, ordered by due time, then by when it was added.
"""

import heapq
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Timer:
    """A callback that can be cancelled until it has run."""

    def __init__(self, at: datetime, run: Callable[[], None]) -> None:
        self.at = at
        self.run = run
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""

    def call_later(self, seconds: float, run: Callable[[], None]) -> Timer: ...


class _Agenda:
    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Timer]] = []
        self._count = 0

    def add(self, timer: Timer) -> None:
        self._count += 1
        heapq.heappush(self._heap, (timer.at, self._count, timer))

    def next_at(self) -> datetime | None:
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self) -> Timer:
        return heapq.heappop(self._heap)[2]


class JumpingClock:
    """Time stands still until `run` is called, then jumps from one timer to the next."""

    def __init__(self, start: datetime, most_timers: int = 100_000) -> None:
        self._now = start
        self._agenda = _Agenda()
        self._left = most_timers

    def now(self) -> datetime:
        return self._now

    def call_later(self, seconds: float, run: Callable[[], None]) -> Timer:
        timer = Timer(self._now + timedelta(seconds=max(0.0, seconds)), run)
        self._agenda.add(timer)
        return timer

    def run(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Run timers until `until` is true (returns True) or none is left (False).

        Raises: RuntimeError: more timers ran than any test needs, so something keeps rescheduling itself.
        """
        while not until():
            at = self._agenda.next_at()
            if at is None:
                return False
            self._step(at)
        return True

    def run_for(self, seconds: float) -> None:
        end = self._now + timedelta(seconds=seconds)
        while (at := self._agenda.next_at()) is not None and at <= end:
            self._step(at)
        self._now = end

    def _step(self, at: datetime) -> None:
        if self._left <= 0:
            raise RuntimeError("the jumping clock ran too many timers: something keeps rescheduling itself")
        self._left -= 1
        self._now = max(self._now, at)
        self._agenda.pop().run()


class RealClock:
    """The machine's clock. Callbacks run on a thread of its own until `stop`."""

    def __init__(self, failed: Callable[[Exception], None] | None = None) -> None:
        self._agenda = _Agenda()
        self._wake = threading.Condition()
        self._stopping = False
        self._failed = failed
        self._start = datetime.now(UTC), time.monotonic()
        self._thread = threading.Thread(target=self._run, name="pstn-clock", daemon=True)
        self._thread.start()

    def now(self) -> datetime:
        """The date and time when this object was made, plus monotonic time since: unaffected by changes of the date."""
        day, tick = self._start
        return day + timedelta(seconds=time.monotonic() - tick)

    def call_later(self, seconds: float, run: Callable[[], None]) -> Timer:
        timer = Timer(self.now() + timedelta(seconds=max(0.0, seconds)), run)
        with self._wake:
            self._agenda.add(timer)
            self._wake.notify()
        return timer

    def stop(self) -> None:
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopping:
                    at = self._agenda.next_at()
                    wait = None if at is None else (at - self.now()).total_seconds()
                    if wait is not None and wait <= 0:
                        break
                    self._wake.wait(wait)
                if self._stopping:
                    return
                timer = self._agenda.pop()
            try:
                timer.run()
            except Exception as error:  # one failing callback must not stop the clock for every call
                if self._failed is None:
                    raise
                self._failed(error)
