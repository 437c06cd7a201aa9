"""Change who is rung by a call to a display number."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from duologue.domain.access.accounts import App
from duologue.domain.errors import CallerRefused, MemoryChanged
from duologue.domain.memory.call_memory import RememberedParty, SetBy, order_after
from duologue.domain.memory.memory_history import ExplainedMemory, MemoryChange, Repointing
from duologue.domain.numbers.dialling_policy import DiallingPolicy
from duologue.usecases.memory.find_memory import FindMemory, FoundMemory
from duologue.usecases.numbers.check_numbers import DiallingRules, refusing_the_caller
from duologue.usecases.until_written import Pause, until_written


@dataclass(frozen=True, slots=True)
class RepointMemory:
    find: FindMemory
    rules: DiallingRules
    pause: Pause

    def __call__(self, wanted: Repointing, app: App, who: str) -> ExplainedMemory:
        """The memory after the change. `who`: for the audit.

        A repeat of the newest change, by an SP whose response was lost, changes nothing and has the same result.

        Raises:
            CallerRefused: the new number may not be dialled, or is the dialler's.
            DisplayNumberNotOwned, UnknownMemory: as FindMemory. A change creates no memory: one is of a call.
            MemoryChanged: the version is another one; nothing was changed.
            OutsideUnavailable: it may have been changed; repeat it.
        """
        found = until_written(lambda: self._once(wanted, app, who), self.pause, "call memory")
        return self.find.explain(found, app.sp)

    def _once(self, wanted: Repointing, app: App, who: str) -> FoundMemory:
        found = self.find(wanted.pair, app)
        memory, now = found.memory, found.at
        target = self._checked(wanted, app, found)
        if memory.version != wanted.version:
            if _is_repeated(wanted, found):
                return found
            raise MemoryChanged(memory.version)
        draft = self.find.seal.draft(wanted.pair.display, found.opened.dialler, target, found.opened.terms)
        after = replace(
            memory,
            order=order_after(memory.order, now, who),
            version=memory.version + 1,
            set_by=SetBy.SP,
            remembered_at=now,
            expires_at=memory.expires_at if wanted.period is None else _ends(now, wanted.period),
            target=draft.target,
            sealed=draft.sealed,
        )
        was, becomes = str(found.opened.target.number), str(target.number)
        change = MemoryChange(now, memory.sp, who, was, becomes, after.version)
        self.find.memories.repoint(memory, after, change)
        return found.changed(after, target)

    def _checked(self, wanted: Repointing, app: App, found: FoundMemory) -> RememberedParty:
        """The memory's own app dials the number. If that is another one, both must be allowed to."""
        field, number, its_app = self.rules.fields.caller, wanted.target, found.found.memory_app
        countries = set(app.countries) if its_app is None else set(app.countries) & set(its_app.countries)
        planned = self.rules.plan.describe(number)
        denied = {*app.denied_prefixes, *(() if its_app is None else its_app.denied_prefixes)}
        with refusing_the_caller():
            DiallingPolicy(countries, self.rules.kinds).check(number, planned, field=field)
            self.rules.lists.of((number,)).check(number, denied, field=field)
        if number == wanted.pair.dialler:
            raise CallerRefused(field, "is the number that dials")
        return RememberedParty(number, planned.region)


def _is_repeated(wanted: Repointing, found: FoundMemory) -> bool:
    """Whether the memory is what the change has made of the version that it names."""
    memory = found.memory
    if (memory.version, memory.set_by) != (wanted.version + 1, SetBy.SP):
        return False
    ends = memory.expires_at if wanted.period is None else _ends(memory.remembered_at, wanted.period)
    return found.opened.target.number == wanted.target and memory.expires_at == ends


def _ends(now: datetime, period: timedelta) -> datetime:
    """In whole seconds, as the store keeps it."""
    return (now + period).replace(microsecond=0)
