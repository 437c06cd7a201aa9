"""Call memories in memory, with the same conditions as the real store."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from duologue.domain.calls.memory_draft import MemoryKey
from duologue.domain.errors import OutsideUnavailable, RaceLost
from duologue.domain.memory.call_memory import CallMemory
from duologue.domain.memory.memory_history import MemoryChange
from duologue.usecases.ports.memories import MemoryPage


class FakeMemories:
    """Plays `Memories`. `before_write` runs before each write; `numbers`: display number → apps that show it."""

    def __init__(self) -> None:
        self.rows: dict[MemoryKey, CallMemory] = {}
        self.deleted: dict[MemoryKey, tuple[str, int]] = {}
        """Order and version that a deletion left."""
        self.audit: dict[MemoryKey, list[MemoryChange]] = {}
        self.before_write: Callable[[], None] = lambda: None
        self.out_of_reach = False
        self.reads = 0

    def remember(self, memory: CallMemory) -> bool:
        """As a call's dial does. False: a later change is there."""
        self._reach()
        order, version = self._place(memory.key)
        if order >= memory.order:
            return False
        self.rows[memory.key] = replace(memory, version=version + 1)
        self.deleted.pop(memory.key, None)
        return True

    def memory(self, key: MemoryKey) -> CallMemory | None:
        self._reach()
        self.reads += 1
        return self.rows.get(key)

    def of_display(self, display: str, sp: str | None, now: datetime, limit: int, after: str | None) -> MemoryPage:
        self._reach()
        found = [
            self.rows[key]
            for key in sorted(self.rows, key=lambda key: key.pair)
            if key.display == display and sp in (None, self.rows[key].sp) and self.rows[key].expires_at > now
        ]
        rest = [memory for memory in found if after is None or memory.key.pair > after]
        return MemoryPage(tuple(rest[:limit]), rest[limit - 1].key.pair if len(rest) > limit else None)

    def of_target(self, display: str, target: str) -> Iterator[CallMemory]:
        self._reach()
        yield from [row for key, row in self.rows.items() if key.display == display and row.target == target]

    def repoint(self, before: CallMemory, after: CallMemory, change: MemoryChange) -> None:
        self._check(before)
        self.rows[before.key] = replace(after, version=before.version + 1)
        self.audit.setdefault(before.key, []).append(change)

    def forget(self, memory: CallMemory, order: str, change: MemoryChange) -> None:
        self._check(memory)
        del self.rows[memory.key]
        self.deleted[memory.key] = (order, memory.version + 1)
        self.audit.setdefault(memory.key, []).append(change)

    def changes(self, key: MemoryKey, most: int) -> Sequence[MemoryChange]:
        self._reach()
        return tuple(reversed(self.audit.get(key, [])))[:most]

    def mask_changes(self, key: MemoryKey) -> None:
        self._reach()
        self.audit[key] = [replace(change, before=None, after=None) for change in self.audit.get(key, [])]

    def _place(self, key: MemoryKey) -> tuple[str, int]:
        """Order and version of what is there."""
        if key in self.rows:
            return self.rows[key].order, self.rows[key].version
        return self.deleted.get(key, ("", 0))

    def _check(self, read: CallMemory) -> None:
        self._reach()
        self.before_write()
        if read.key not in self.rows or self.rows[read.key].version != read.version:
            raise RaceLost("call memory")

    def _reach(self) -> None:
        if self.out_of_reach:
            raise OutsideUnavailable("accounts table")
