"""Find the call memory of a pair, as a call to the display number would find it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from duologue.domain.access.accounts import App
from duologue.domain.errors import DisplayNumberNotOwned, ForeignMemory, UnknownMemory
from duologue.domain.memory.call_memory import CallMemory, OpenedMemory, RememberedParty, WhyNot, why_not
from duologue.domain.memory.memory_history import MOST_CHANGES, ExplainedMemory, MemoryChange, Pair
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.memories import Found, InboundCalls, Memories, MemorySeal
from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)
_NONE = "there is no memory of this pair, or it has expired"


@dataclass(frozen=True, slots=True)
class FoundMemory:
    """A memory that has not expired, with what was found about its pair at the time `at`."""

    memory: CallMemory
    opened: OpenedMemory
    found: Found
    at: datetime

    def changed(self, memory: CallMemory, target: RememberedParty) -> "FoundMemory":
        """The same pair after a change of who is rung."""
        return replace(self, memory=memory, opened=replace(self.opened, target=target))

    def explained(self, changes: Sequence[MemoryChange]) -> ExplainedMemory:
        return ExplainedMemory(self.memory, self.opened, self._why_not(), changes)

    def _why_not(self) -> WhyNot | None:
        if self.found.dialler_is_ours:
            return WhyNot.LOOP
        owner = "" if self.found.owner is None else self.found.owner.sp
        return why_not(self.memory, self.opened.target.region, owner, self.found.memory_app, self.at)


@dataclass(frozen=True, slots=True)
class FindMemory:
    """`display_field`: the format's name of a request's display number."""

    inbound: InboundCalls
    memories: Memories
    seal: MemorySeal
    clock: Clock
    display_field: str

    def __call__(self, pair: Pair, app: App) -> FoundMemory:
        """For an app of the memory's SP that shows the display number.

        Raises:
            DisplayNumberNotOwned: the app does not show it.
            UnknownMemory: there is no memory of the pair, it has expired, or it is another SP's: which, is not said.
            OutsideUnavailable: storage or the key service is unavailable.
        """
        check_shown_by(app, pair.display, self.display_field)
        return self.of_sp(pair, app.sp)

    def of_sp(self, pair: Pair, sp: str | None = None) -> FoundMemory:
        """`sp`: None: of any SP. Raises UnknownMemory, OutsideUnavailable."""
        now = self.clock.now()
        found = self.inbound.find(pair.display, pair.dialler, self.seal.key(pair.display, pair.dialler), None)
        memory = found.memory
        if memory is None or memory.expires_at <= now or (sp is not None and memory.sp != sp):
            raise UnknownMemory(_NONE)
        try:
            return FoundMemory(memory, self.seal.open(memory, pair.display, pair.dialler), found, now)
        except ForeignMemory as error:  # the item was changed outside the product
            _log.exception("call memory of another pair", extra={"call_id": memory.session})
            raise UnknownMemory(_NONE) from error

    def explain(self, found: FoundMemory, sp: str | None = None) -> ExplainedMemory:
        """With those of the newest changes of its pair that were made while it was the SP's. `sp`: None: any SP's."""
        changes = self.memories.changes(found.memory.key, MOST_CHANGES)
        return found.explained([change for change in changes if sp in (None, change.sp)])


def check_shown_by(app: App, display: PhoneNumber, field: str) -> None:
    """Raises DisplayNumberNotOwned; names `field`."""
    if display.e164 not in app.display_numbers:
        raise DisplayNumberNotOwned(field, "is not a number of the app")
