"""The store of calls, as one port per kind of use case."""

from collections.abc import Container, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from duologue.call_control.history import History
from duologue.domain.accounting.acceptance_limits import NO_LIMITS, AcceptanceLimits
from duologue.domain.calls.call import Call
from duologue.domain.calls.idempotency import IdempotencyKey
from duologue.domain.calls.task_token import TaskToken
from duologue.usecases.ports.call_changes import Change, HeldSlot, ProcessedEvent, SavedCall


class Calls(Protocol):
    """Read and change one call."""

    def load(self, call_id: str) -> SavedCall:
        """Raises UnknownCall."""

    def load_for(self, call_id: str, network_call: str, event_key: str) -> tuple[SavedCall, ProcessedEvent | None]:
        """The call, and this network event if it was processed before. Raises UnknownCall."""

    def save(self, change: Change) -> None:
        """Write a change, with the memory that it creates; without it if the pair has a newer one, or if it cannot be
        written, so that a memory never costs a call.

        Raises RaceLost: the call has changed. EventAlreadyProcessed: another process handled the same event first.
        CdrAlreadyWritten: the call is finalized.
        """

    def note_hang_up(self, call_id: str) -> None:
        """Note that the caller of a call to a display number, which is not recorded, has hung up.

        Unless it was recorded meanwhile, it can only be recorded as over (InboundCalls.accept). Raises RaceLost.
        """

    def store_token(self, call_id: str, token: TaskToken) -> None:
        """Store the token of a state that starts to wait, replacing an older one.

        Raises StaleAttempt: a newer attempt has stored its token.
        """

    def task_token(self, call_id: str) -> TaskToken | None:
        """The newest token of the call's flow; its state may be over. Strongly consistent."""


class Acceptance(Protocol):
    """Accept calls within the limits of their apps."""

    def accept(self, call: Call, *, slots: int, close_by: datetime, limits: AcceptanceLimits = NO_LIMITS) -> SavedCall:
        """Record a new call with its slot and the counts of its limits, or nothing.

        `slots`: how many the app has. If it had more before, older calls may hold others besides.

        Raises the first of: RaceLost (the key is in use), TooManyCalls, LimitReached (all `slots` are held),
        CalleeLimitReached, CallAlreadyAccepted; StoreBusy: concurrent writes hold what it needs. If another request
        with the same key takes the last place meanwhile, it may be TooManyCalls or LimitReached.
        """

    def check_repeat(self, app_key: str, key: IdempotencyKey, now: datetime) -> None:
        """Raises, if the key led to a call: RequestRepeated; KeyReused: for another request."""

    def withdraw(self, change: Change, limits: AcceptanceLimits) -> None:
        """Save the end of a call whose SP gets an error, and undo its counts. Raises as `save`."""

    def in_use(self, app_key: str) -> int:
        """How many of the app's concurrent calls are in use now."""


class OpenCalls(Protocol):
    """What the sweeper checks."""

    def overdue(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of open calls whose `close_by` has passed, oldest first."""

    def open_calls(self) -> Set[str]:
        """Ids of all calls that are not finalized. Calls of the last seconds may be missing."""

    def on_nodes(self, nodes: Container[str]) -> Mapping[str, str]:
        """The node of each open call that is on one of these, or is about to be dialled there, by the calls' ids."""

    def held_slots(self) -> Iterable[HeldSlot]:
        """Of all apps."""

    def free_slot(self, slot: HeldSlot) -> bool:
        """Free a slot, and the call's pair, if the call is over or deleted; False: it is open, or holds it no more."""


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call that is over, as the index has it. `look_at` is the index's text."""

    call_id: str
    look_at: str


class EndedCalls(Protocol):
    """Calls that are over, until they are reconciled: each is due `RECONCILIATION` after the write that ended it."""

    def unreconciled(self, now: datetime, limit: int) -> Iterable[EndedCall]:
        """At most `limit` that are due, oldest first."""

    def postponed(self, ended: EndedCall, until: datetime) -> None:
        """It is due at `until`. No effect if it was reconciled or postponed meanwhile."""

    def reconciled(self, ended: EndedCall) -> None:
        """Take it out of these. No effect if that has happened."""


class Histories(Protocol):
    def history(self, call_id: str) -> History:
        """Raises UnknownCall, UnreadableCall."""
