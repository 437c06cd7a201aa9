"""Look up a call memory: who would be rung, since when, by which call, until when; or why nobody."""

from dataclasses import dataclass

from duologue.domain.access.accounts import App
from duologue.domain.memory.memory_history import ExplainedMemory, Pair
from duologue.usecases.memory.find_memory import FindMemory


@dataclass(frozen=True, slots=True)
class LookUpMemory:
    find: FindMemory

    def __call__(self, pair: Pair, app: App) -> ExplainedMemory:
        """Raises as FindMemory."""
        return self.find.explain(self.find(pair, app), app.sp)
