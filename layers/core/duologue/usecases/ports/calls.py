"""The calls, in one store. Each role has the methods that one kind of use case needs."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from duologue.call_control.facts import Fact
from duologue.call_control.history import History
from duologue.domain.acceptance_limits import NO_LIMITS, AcceptanceLimits
from duologue.domain.call import Call
from duologue.domain.idempotency import IdempotencyKey
from duologue.domain.task_token import TaskToken, Wait

Answer = str
"""What a network event was answered with, in the carrier's own format; opaque, kept to be repeated."""


@dataclass(frozen=True, slots=True)
class SavedCall:
    """A call as read.

    `version`: the condition of the next write. `task_token`: of the state that waits; a newer one may be there by now.
    `dial_mark`: drawn by the invocation that dialled the caller. `close_by`: when the sweeper looks at the call; it is
    never later than the call is due (domain/due.py), and may be earlier.
    """

    call: Call
    version: int
    task_token: TaskToken | None = None
    dial_mark: str | None = None
    close_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProcessedEvent:
    """One network event and what was answered to it, kept so that a repeat gets the same answer (R12).

    `key` names the event within its network call: a number or an id, as the carrier has it.
    """

    network_call: str
    key: str
    answer: Answer
    resumes: Wait | None = None
    """What has come true with this event, for the state that waits for it (R2)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one call, written whole or not at all.

    `resumes`: what has come true with it; it is recorded with the facts, and the flow is resumed once it is committed.
    `finalizes`: it writes the CDR, frees the slot and takes the call off the list of open ones.
    `dial_mark` is set if given, and removed by `clears_dial_mark`.
    `postpones`: the call is not due yet; the sweeper looks at it again when it is.
    """

    before: SavedCall
    after: Call
    facts: tuple[Fact, ...] = ()
    processed: ProcessedEvent | None = None
    resumes: Wait | None = None
    finalizes: bool = False
    dial_mark: str | None = None
    clears_dial_mark: bool = False
    postpones: bool = False


class Calls(Protocol):
    """One call: read it, change it."""

    def load(self, call_id: str) -> SavedCall:
        """Raises UnknownCall."""

    def load_for(self, call_id: str, network_call: str, event_key: str) -> tuple[SavedCall, ProcessedEvent | None]:
        """The call, and what was answered to this network event if it came before. Raises UnknownCall."""

    def save(self, change: Change) -> None:
        """Write a change.

        Raises RaceLost: the call changed since it was read; EventAlreadyProcessed: another process handled the same
        event first; CdrAlreadyWritten: the call is finalized.
        """

    def store_token(self, call_id: str, token: TaskToken) -> None:
        """Store the token of a state that begins to wait, in the place of an older one.

        Raises StaleAttempt: the token of a newer attempt is there.
        """

    def task_token(self, call_id: str) -> TaskToken | None:
        """The newest token of the call's flow; its state may be over. A write that was done before is always seen."""


class Acceptance(Protocol):
    """Accept calls within the limits of their apps."""

    def accept(self, call: Call, *, slots: int, close_by: datetime, limits: AcceptanceLimits = NO_LIMITS) -> None:
        """Record a new call with its slot and what else its limits count, or nothing.

        Raises, of several the first: RaceLost (the key is taken, or another write holds what this one needs),
        TooManyCalls, LimitReached (`slots` calls of the app are in use), CalleeLimitReached, CallAlreadyAccepted.
        """

    def check_repeat(self, app_key: str, key: IdempotencyKey, now: datetime) -> None:
        """Raises, if a call was accepted under this key within its time: RequestRepeated; KeyReused: by another one."""

    def withdraw(self, change: Change, limits: AcceptanceLimits) -> None:
        """Save a change that ends a call which its SP is told was refused: it counts for nothing. Raises as save."""

    def in_use(self, app_key: str) -> int:
        """How many of the app's concurrent calls are in use now."""


class OpenCalls(Protocol):
    """What the sweeper looks through."""

    def overdue(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of open calls whose `close_by` has passed, oldest first."""

    def open_calls(self) -> Set[str]:
        """Ids of all calls that are not finalized. A call of the last seconds may be missing."""

    def held_slots(self) -> Mapping[str, Set[str]]:
        """The slots in use, by app key: each is named by the call that holds it."""

    def free_slot(self, app_key: str, call_id: str) -> bool:
        """Free a slot if its call is over or gone; False: it is open, and keeps it."""


class Histories(Protocol):
    def history(self, call_id: str) -> History:
        """All that is recorded of a call. Raises UnknownCall."""
