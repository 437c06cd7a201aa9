"""The heartbeat: writes the node's row every `BEAT_S`, and decides when the node must count itself dead.

| Since the last beat that was written | What the node does                                                          |
| ------------------------------------ | --------------------------------------------------------------------------- |
| up to 15 s                           | nothing                                                                     |
| more than 15 s (`DEAD_S`)            | takes no calls: others may declare it dead from now on                      |
| 45 s (`END_S`)                       | ends its calls: the platform may have closed them, and no leg may outlive   |
|                                      | its node's death by more than 60 s                                          |
| the row says that it was buried      | ends its calls at once, and then itself; it starts again under another id   |

When it can write again and was not buried, it takes calls again.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from pstn.node.table import BEAT_S, DEAD_S, Buried, TableError

END_S = 45.0
AGAIN_S = 1.0
"""From a beat that failed to the next one."""
RECENT_S = 60.0
_KEPT = 100
_log = logging.getLogger(__name__)


class Heartbeat:
    """A thread of its own between `start` and `stop`.

    Args:
        write: writes the row. Raises: Buried, TableError.
        lost: called once when the last beat was `END_S` ago.
        buried: called once; on the thread, which ends.
        now: monotonic seconds.
    """

    def __init__(
        self,
        write: Callable[[], None],
        lost: Callable[[], None],
        buried: Callable[[], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._lost, self._buried, self._now = write, lost, buried, now
        self._last = now()
        self._silences: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        """(when it ended, how long it lasted): the times between the latest beats."""
        self._told = False
        self._begun = False
        self.is_buried = False
        self._lock = threading.Lock()
        """Held for one beat, so that the last one of a node that leaves is the last one."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="node-heartbeat", daemon=True)

    @property
    def age(self) -> float:
        """Seconds since the last beat that was written; since the start if there was none."""
        return self._now() - self._last

    @property
    def longest_silence(self) -> float:
        """The longest time without a written beat, of those that have ended within `RECENT_S` or last still."""
        since = self._now() - RECENT_S
        return max([self.age, *(lasted for ended, lasted in list(self._silences) if ended > since)])

    @property
    def is_alive(self) -> bool:
        return self._begun and not self.is_buried and self.age <= DEAD_S

    def start(self) -> None:
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def beat(self) -> bool:
        """Write one now. Returns whether it was written."""
        with self._lock:
            if self.is_buried:
                return False
            self.check()  # before the row can be read as that of a living node: it was suspended, or cut off
            try:
                asked_at = self._now()
                self._write()
            except Buried:
                self.is_buried = True
                _log.error("this node was declared dead")
                self._buried()
                return False
            except Exception as error:  # noqa: BLE001 - whatever the reason, the row was not written
                reason = str(error) if isinstance(error, TableError) else type(error).__name__
                _log.warning("the heartbeat was not written", extra={"error": reason, "age_s": round(self.age, 1)})
                return False
            if self._begun:
                self._silences.append((asked_at, asked_at - self._last))
            self._last, self._told, self._begun = asked_at, False, True
            return True

    def check(self) -> None:
        """End the calls if it is time. Called often, by a thread that does not wait for the table as `beat` does."""
        if self._begun and not self._told and self.age >= END_S:
            self._told = True
            _log.error(
                "no heartbeat was written for too long: the calls of this node end", extra={"age_s": round(self.age, 1)}
            )
            self._lost()

    def _run(self) -> None:
        pause = BEAT_S
        while not self._stopping.wait(pause):
            written = self.beat()
            if self.is_buried:
                return
            pause = BEAT_S if written else AGAIN_S
