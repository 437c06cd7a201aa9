"""A call memory as the SP sees and changes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from duologue.domain.memory.call_memory import CallMemory, OpenedMemory, WhyNot
from duologue.domain.numbers.phone_number import PhoneNumber

MOST_CHANGES = 10
"""How many of a pair are shown."""


@dataclass(frozen=True, slots=True)
class Pair:
    """`dialler` dials `display`."""

    display: PhoneNumber
    dialler: PhoneNumber


@dataclass(frozen=True, slots=True)
class Repointing:
    """A change of who is rung.

    `target`: who is to be rung. `version`: the one that the SP has seen. `period`: from now on; None: as before.
    """

    pair: Pair
    target: PhoneNumber
    version: int
    period: timedelta | None = None


@dataclass(frozen=True, slots=True)
class MemoryChange:
    """One change of a pair by the SP or the operator, for the audit.

    `sp`: whose memory it was: a display number may move to another SP, which sees no change of the pair before.
    `who`: the app's key and the request's id, or the operator. `before`, `after`: who was and is rung, masked; None:
    the memory was deleted, or the operator erased the number. `version`: of the memory afterwards.
    """

    at: datetime
    sp: str
    who: str
    before: str | None
    after: str | None
    version: int


@dataclass(frozen=True, slots=True)
class ExplainedMemory:
    """A memory that has not expired, and what a call of its pair would meet.

    `why_not`: why the remembered party would not be rung; None: it would. `changes`: the newest ones, newest first.
    """

    memory: CallMemory
    opened: OpenedMemory
    why_not: WhyNot | None
    changes: Sequence[MemoryChange] = ()
