"""Erase a telephone number from all call memories: as the one that dials, and as the one that is rung."""

from collections.abc import Iterable
from dataclasses import dataclass

from duologue.domain.calls.memory_draft import MemoryKey
from duologue.domain.memory.call_memory import CallMemory, order_after
from duologue.domain.memory.memory_history import MemoryChange
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.memories import Memories, MemorySeal
from duologue.usecases.ports.outside import Clock
from duologue.usecases.until_written import no_pause, until_written


@dataclass(frozen=True, slots=True)
class ForgetNumber:
    memories: Memories
    seal: MemorySeal
    clock: Clock

    def __call__(self, number: PhoneNumber, displays: Iterable[PhoneNumber], who: str) -> int:
        """How many memories were deleted. A repeat continues after a failure.

        The history of each pair keeps that it was deleted, but no numbers, not even masked. Where the number dials,
        that also holds for pairs whose memory is gone already.
        """
        return sum(self._of_display(number, display, who) for display in displays)

    def _of_display(self, number: PhoneNumber, display: PhoneNumber, who: str) -> int:
        own = self.seal.key(display, number)
        pairs = {own} | {memory.key for memory in self.memories.of_target(own.display, own.pair)}
        return sum(self._of_pair(key, own, who) for key in sorted(pairs, key=lambda key: key.pair))

    def _of_pair(self, key: MemoryKey, own: MemoryKey, who: str) -> bool:
        is_deleted = until_written(lambda: self._forget(key, own, who), no_pause, "call memory")
        self.memories.mask_changes(key)
        return is_deleted

    def _forget(self, key: MemoryKey, own: MemoryKey, who: str) -> bool:
        memory = self.memories.memory(key)
        if memory is None or not _holds(memory, own):
            return False
        now = self.clock.now()
        change = MemoryChange(now, memory.sp, who, None, None, memory.version + 1)
        self.memories.forget(memory, order_after(memory.order, now, who), change)
        return True


def _holds(memory: CallMemory, own: MemoryKey) -> bool:
    """A call may have made it another one meanwhile."""
    return memory.key == own or memory.target == own.pair
