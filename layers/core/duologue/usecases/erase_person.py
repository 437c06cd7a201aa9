"""Show or erase what is stored about a person: calls with all that belongs to them, recordings, call memories.

    each call ──is up──▶ left alone, and named: its data carries it
         │over
       end the wait of its flow, delete the recording, take it out of the lists, delete its items, by which it was
       found last

So a run that was killed is repeated, and goes on where the other ended. A call is deleted, not made anonymous: what is
left of it would still say when the other party telephoned. Its SP has the CDR; the audit has the command alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from duologue.domain.call import Call, Phase
from duologue.domain.errors import UnknownCall
from duologue.domain.phone_number import PhoneNumber
from duologue.domain.recording import published_key
from duologue.usecases.forget_number import ForgetNumber
from duologue.usecases.ports.call_lists import Listing
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.people import CallOfPerson, People
from duologue.usecases.ports.recordings import RecordingEraser


@dataclass(frozen=True, slots=True)
class PersonCall:
    """`call`: None: a run that was killed has deleted a part of it."""

    found: CallOfPerson
    call: Call | None


@dataclass(slots=True)
class Erased:
    """Counts of what was erased; `in_progress`: calls that were left alone."""

    calls: int = 0
    recordings: int = 0
    memories: int = 0
    in_progress: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ErasePerson:
    people: People
    calls: Calls
    flows: Flows
    recordings: RecordingEraser
    forget: ForgetNumber
    listing: Listing

    def show(self, number: PhoneNumber) -> Sequence[PersonCall]:
        return [PersonCall(found, self._load(found.call_id)) for found in self.people.calls_of(number)]

    def __call__(self, number: PhoneNumber, displays: Iterable[PhoneNumber], who: str) -> Erased:
        """Raises OutsideUnavailable: a part was erased; repeat it."""
        erased = Erased()
        for found in self.people.calls_of(number):
            call = self._load(found.call_id)
            if call is not None and call.phase is not Phase.OVER:
                erased.in_progress.append(call.id)
                continue
            erased.recordings += self._erase(found, call)
            erased.calls += 1
        erased.memories = self.forget(number, displays, who)
        return erased

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

    def _load(self, call_id: str) -> Call | None:
        try:
            return self.calls.load(call_id).call
        except UnknownCall:
            return None
