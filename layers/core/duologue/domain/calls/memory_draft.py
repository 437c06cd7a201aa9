"""The key of a call memory, and what a call carries to create one (call_memory.py)."""

from dataclasses import dataclass, field
from datetime import timedelta

DEFAULT_PERIOD = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class MemoryKey:
    """Keyed hashes: of a display number, and of the pair of it with the number that dials it."""

    display: str
    pair: str


@dataclass(frozen=True, slots=True)
class MemoryDraft:
    """What a call writes when its called party is dialled; made when the call is accepted.

    `sealed`: the encrypted value, which holds both parties, so that it also serves the return call's own
    memory, in which they have changed places. `target`: the pair's key for the number that would be rung.
    """

    key: MemoryKey
    target: str
    sealed: bytes = field(repr=False)
    period: timedelta = DEFAULT_PERIOD

    def mirrored(self) -> "MemoryDraft":
        """The memory of the call back: the number to be rung may dial the same display number."""
        return MemoryDraft(MemoryKey(self.key.display, self.target), self.key.pair, self.sealed, self.period)
