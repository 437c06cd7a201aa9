"""Delete a call memory: from then on a call of its pair rings nobody. A call that rings or talks goes on."""

from dataclasses import dataclass

from duologue.domain.access.accounts import App
from duologue.domain.errors import MemoryChanged
from duologue.domain.memory.call_memory import order_after
from duologue.domain.memory.memory_history import MemoryChange, Pair
from duologue.usecases.memory.find_memory import FindMemory
from duologue.usecases.until_written import Pause, until_written


@dataclass(frozen=True, slots=True)
class ForgetMemory:
    find: FindMemory
    pause: Pause

    def __call__(self, pair: Pair, version: int, app: App, who: str) -> None:
        """`version`: the one that the SP has seen. `who`: for the audit.

        A repeat finds no memory: an SP whose response was lost is told that there is none.

        Raises:
            DisplayNumberNotOwned, UnknownMemory: as FindMemory.
            MemoryChanged: the version is another one; nothing was changed.
            OutsideUnavailable: it may have been deleted; repeat it.
        """
        until_written(lambda: self._once(pair, version, app, who), self.pause, "call memory")

    def _once(self, pair: Pair, version: int, app: App, who: str) -> None:
        found = self.find(pair, app)
        memory = found.memory
        if memory.version != version:
            raise MemoryChanged(memory.version)
        change = MemoryChange(found.at, memory.sp, who, str(found.opened.target.number), None, memory.version + 1)
        self.find.memories.forget(memory, order_after(memory.order, found.at, who), change)
