"""Show or erase what is stored about a person: calls with all that belongs to them, recordings, call memories.

    each call ──is up──▶ left alone, and named: its data carries it
         │over
       end the wait of its flow, delete the recording, take it out of the lists, archive its CDR without the number
       unless it is archived, delete its items, by which it was found last
    then the call memories, and the number in all archived CDRs

So a run that was killed is repeated, and goes on where the other ended. A call is deleted, not made anonymous: what is
left of it would still say when the other party telephoned. Its CDR stays in the archive, without the number, since its
SP bills by it; the audit has the command alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from duologue.domain.accounting.cdr_archive import ArchiveFile
from duologue.domain.calls.call import Call, Phase
from duologue.domain.errors import SealBroken, UnknownCall
from duologue.domain.media.recording import published_key
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.memory.forget_number import ForgetNumber
from duologue.usecases.operating.erase_archived import Cleared, EraseArchived
from duologue.usecases.ports.call_changes import SavedCall
from duologue.usecases.ports.call_lists import Listing
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.people import CallOfPerson, People
from duologue.usecases.ports.recordings import RecordingEraser


@dataclass(frozen=True, slots=True)
class PersonCall:
    """`call`: None: a run that was killed has deleted a part of it, or it is damaged."""

    found: CallOfPerson
    call: Call | None


@dataclass(slots=True)
class Erased:
    """Counts of what was erased. `in_progress`: calls that were left alone, since they are up or being archived.

    `unreadable`: calls that were deleted although they do not open: whether they have a recording is not known.
    """

    calls: int = 0
    recordings: int = 0
    memories: int = 0
    in_progress: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    archived: Cleared = field(default_factory=Cleared)


_ABOUT_TO = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ErasePerson:
    people: People
    calls: Calls
    flows: Flows
    recordings: RecordingEraser
    forget: ForgetNumber
    listing: Listing
    archived: EraseArchived

    def show(self, number: PhoneNumber) -> Sequence[PersonCall]:
        unreadable: list[str] = []
        found = [(each, self._load(each.call_id, unreadable)) for each in self.people.calls_of(number)]
        return [PersonCall(each, None if saved is None else saved.call) for each, saved in found]

    def __call__(
        self, number: PhoneNumber, displays: Iterable[PhoneNumber], who: str, after: ArchiveFile | None = None
    ) -> Erased:
        """`after`: go on in the archive after this. Raises OutsideUnavailable: a part was erased; repeat it."""
        erased = Erased()
        for found in self.people.calls_of(number):
            saved = self._load(found.call_id, erased.unreadable)
            if saved is not None and self._is_in_progress(saved):
                erased.in_progress.append(found.call_id)
                continue
            if saved is not None and saved.reconcile_at is not None:
                self.archived.archive_without(saved.call, number)
            erased.recordings += self._erase(found, None if saved is None else saved.call)
            erased.calls += 1
        erased.memories = self.forget(number, displays, who)
        erased.archived = self.archived(number, after)
        return erased

    def _is_in_progress(self, saved: SavedCall) -> bool:
        """Up, or due to be archived: the sweeper may have read it already, and write it after this."""
        if saved.call.phase is not Phase.OVER:
            return True
        return saved.reconcile_at is not None and saved.reconcile_at <= self.archived.clock.now() + _ABOUT_TO

    def _erase(self, found: CallOfPerson, call: Call | None) -> int:
        """How many recordings were erased."""
        recorded = call is not None and call.recording is not None
        token = self.calls.task_token(found.call_id)
        if token is not None:
            self.flows.resume(token.value)
        if call is not None and call.recording is not None:
            for key in (call.recording.key, published_key(call.app, call.id)):
                self.recordings.erase(key)
        self.listing.remove(found.call_id)
        self.people.delete(found)
        return int(recorded)

    def _load(self, call_id: str, unreadable: list[str]) -> SavedCall | None:
        """None: a part of it was deleted, or it cannot be read, and its id was added to `unreadable`."""
        try:
            return self.calls.load(call_id)
        except UnknownCall:
            return None
        except (KeyError, ValueError, TypeError, SealBroken):  # one damaged call must not keep the others
            unreadable.append(call_id)
            return None
