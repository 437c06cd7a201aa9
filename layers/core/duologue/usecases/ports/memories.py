"""Call memory, and the calls to display numbers that it answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from duologue.call_control.facts import Fact
from duologue.domain.accounting.acceptance_limits import NO_LIMITS, AcceptanceLimits
from duologue.domain.calls.call import Call
from duologue.domain.calls.memory_draft import MemoryDraft, MemoryKey
from duologue.domain.memory.call_memory import (
    CallMemory,
    InboundApp,
    MemoryTerms,
    OpenedMemory,
    RememberedParty,
    memory_of_call,
)
from duologue.domain.memory.memory_history import MemoryChange
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.call_changes import ProcessedEvent


class MemorySeal(Protocol):
    """Hashes and encrypts the numbers of memories. Each may raise OutsideUnavailable."""

    def key(self, display: PhoneNumber, dialler: PhoneNumber) -> MemoryKey:
        """The key of a pair. Needs the key service once per process."""

    def draft(
        self, display: PhoneNumber, dialler: RememberedParty, target: RememberedParty, terms: MemoryTerms
    ) -> MemoryDraft:
        """A memory with the default period. One request to the key service."""

    def open(self, memory: CallMemory, display: PhoneNumber, dialler: PhoneNumber) -> OpenedMemory:
        """Decrypt a memory as seen by `dialler`. One request to the key service.

        Raises:
            ForeignMemory: the value was not made for this pair.
        """

    def open_listed(self, memory: CallMemory) -> OpenedMemory:
        """Decrypt a memory whose pair is not known in advance. Raises as `open`."""

    def proof(self, text: str) -> str:
        """A keyed hash of the text of a cursor, of the same length as a pair's. Needs the key service as `key`."""


class TurnedAway(StrEnum):
    """Why a call to a number of ours was rejected without a record. Counted for the operator."""

    NUMBER_OF_NOBODY = "number_of_nobody"
    """No app shows the number."""
    OWNER_SUSPENDED = "owner_suspended"
    """Nobody is remembered, and the app that answers unknown callers is not active."""
    LOOP = "loop"
    """The dialling number is a display number itself, such as that of a call which its callee forwards."""
    PAIR_BUSY = "pair_busy"
    """There is a return call of the same pair."""
    TOO_MANY = "too_many"
    """More calls to this display number in this minute than are recorded."""


@dataclass(frozen=True, slots=True)
class NumberOwner:
    """The SP that a display number belongs to. `app`: which of its apps answers unknown callers."""

    sp: str
    app: str


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """The event that reports a call to a display number. `call_id`: of the call that it would become."""

    call_id: str
    network_call: str
    event_key: str


@dataclass(frozen=True, slots=True)
class Found:
    """What is stored about a call to a display number, read at once.

    `owner`: None: the number is nobody's. `memory`: of the pair, whatever its state.
    `memory_app`, `owner_app`: settings of the memory's app, and of the owner's answering app; None: there is none.
    `dialler_is_ours`: the dialling number is a display number itself.
    `before`: the event, if it was processed before.
    """

    owner: NumberOwner | None = None
    memory: CallMemory | None = None
    memory_app: InboundApp | None = None
    owner_app: InboundApp | None = None
    dialler_is_ours: bool = False
    before: ProcessedEvent | None = None


@dataclass(frozen=True, slots=True)
class InboundAnswer:
    """A call that came in, with the event's answer, written entirely or not at all.

    `slots`: the app's limit for return calls; None: the call takes no slot, and is over or soon will be, so no flow is
    started for it.
    With a slot it also takes its pair (Call.pair), of which there may be one return call at a time.
    `limits`: of those of a day; with a slot.
    """

    call: Call
    facts: tuple[Fact, ...]
    processed: ProcessedEvent
    slots: int | None = None
    limits: AcceptanceLimits = NO_LIMITS

    @property
    def remembers(self) -> CallMemory | None:
        return memory_of_call(self.call)


class InboundCalls(Protocol):
    """Calls to display numbers."""

    def find(
        self, display: PhoneNumber, dialler: PhoneNumber | None, key: MemoryKey | None, event: InboundEvent | None
    ) -> Found:
        """Read everything that decides about a call. Strongly consistent.

        `dialler`, `key`: None: the number is withheld or not E.164. `event`: None: only to explain (the SP's look-up).
        """

    def accept(self, answer: InboundAnswer) -> None:
        """Record the call and the answer, and its memory (Call.memory) if its callee was dialled.

        Raises the first of: EventAlreadyProcessed (this event was answered before), PairBusy (there is a return call
        of this pair), LimitReached (no slot is free), DialledNumberLimitReached, DayCeilingReached, CallerHungUp
        (Calls.note_hang_up; not if the call is over), StoreBusy.
        """

    def count_unconnected(self, display: PhoneNumber, now: datetime, most: int) -> bool:
        """Count a call that nobody was rung for, per display number and minute. False: there were `most` before."""


@dataclass(frozen=True, slots=True)
class MemoryPage:
    """One page of a listing. `after`: the pair's hash after which the next page starts; None: this is the last."""

    memories: Sequence[CallMemory]
    after: str | None = None


class Memories(Protocol):
    """Memories as the SP and the operator read and change them."""

    def memory(self, key: MemoryKey) -> CallMemory | None:
        """Strongly consistent; also an expired one that is not deleted yet."""

    def of_display(self, display: str, sp: str | None, now: datetime, limit: int, after: str | None) -> MemoryPage:
        """Memories of a display number (its hash) that have not expired, ordered by the pair's hash.

        `sp`: only of this SP; None: of all.
        A page may have fewer than `limit`, or none, and not be the last: what is skipped takes time too.
        """

    def of_target(self, display: str, target: str) -> Iterable[CallMemory]:
        """All memories of a display number (its hash) in which a number (hash as of MemoryDraft.target) is rung."""

    def repoint(self, before: CallMemory, after: CallMemory, change: MemoryChange) -> None:
        """Replace a memory that was read; its version counts up. Raises RaceLost: it has changed."""

    def forget(self, memory: CallMemory, order: str, change: MemoryChange) -> None:
        """Delete a memory that was read. Raises RaceLost: it has changed.

        `order`: of the deletion (call_memory.order_of): a call that was dialled before does not bring the memory back.
        """

    def changes(self, key: MemoryKey, most: int) -> Sequence[MemoryChange]:
        """The newest changes of a pair, newest first. They outlive the memory."""

    def mask_changes(self, key: MemoryKey) -> None:
        """Remove even the masked numbers from the changes of a pair."""
