"""A stored call, its changes and its slot, as the ports of calls.py take and return them.

Apart from the ports, which the functions of a call do not load: a person waits while these start (docs/decisions/0011).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from duologue.domain.memory.call_memory import CallMemory, memory_of_call

if TYPE_CHECKING:
    from duologue.call_control.facts import Fact
    from duologue.domain.calls.call import Call
    from duologue.domain.calls.task_token import TaskToken, Wait

Answer = str
"""The answer to a network event in the carrier's format; opaque, stored for repeats."""


@dataclass(frozen=True, slots=True)
class SavedCall:
    """A call as read.

    `version`: the condition of the next write. `task_token`: of the waiting state; there may be a newer one by now.
    `dial_mark`: of the invocation that dialled the caller, and where (`Network.mark`). `close_by`: when the sweeper
    looks at the call; never later than the call's due time (domain/calls/due.py), but possibly earlier. `slot`: name of
    the slot that it holds, "" for none; opaque.
    """

    call: Call
    version: int
    task_token: TaskToken | None = None
    dial_mark: str | None = None
    close_by: datetime | None = None
    event_second: int = field(default=0, compare=False)
    """Of the last event with facts, since the epoch: see AppEvents."""
    slot: str = field(default="", compare=False)
    reserved: str = field(default="", compare=False)
    """What it holds of its day's budget, "" for nothing; opaque."""
    reconcile_at: datetime | None = field(default=None, compare=False)
    """When the sweeper reconciles the call, which is over; None: it has, or the call is not over."""


@dataclass(frozen=True, slots=True)
class ProcessedEvent:
    """A network event with its answer, stored so that a repeat gets the same answer (R12).

    `key`: the carrier's number or id of the event within its network call.
    """

    network_call: str
    key: str
    answer: Answer
    resumes: Wait | None = None
    """The wait that this event completes (R2)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one call, written entirely or not at all.

    `resumes`: the wait that it completes; recorded with the facts, and the flow is resumed after the commit.
    `finalizes`: writes the CDR, frees the slot and removes the call from the open ones.
    `dial_mark`: set if given; `clears_dial_mark` removes it.
    `postpones`: stores a later due time for the sweeper.
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

    @property
    def remembers(self) -> CallMemory | None:
        """The memory that it creates: of the callee's dial, if that is what changed."""
        return memory_of_call(self.after) if self.before.call.callee.dialled_at is None else None


@dataclass(frozen=True, slots=True)
class HeldSlot:
    """A slot of an app, and the call that holds it.

    `name`: which slot it is; opaque. `pair`: what the call holds besides (Call.pair).
    """

    app: str
    call_id: str
    name: str = ""
    pair: str | None = None
