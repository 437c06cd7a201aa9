"""Reconcile every call once, some time after its end: does what the call left agree with the call?

    its notifications   each fact that the SP has a URL for has a delivery, in any state   else: queue it
    its flow            its newest task token completes no wait                            else: it does now
    its recording       the published file is there                                        else: say so on the call
    its CDR             is there                                                           else: report it
    its lists           say that it is over                                                else: they do now

Then its CDR is archived, and only then is it taken for reconciled. So a sweep that dies in between archives some CDRs
again, and none is lost.

Normally all agree, for each of these has been seen to by who ended the call, and by the outbox from the stream. What is
found is a lost record of the stream, a wait that nobody completed, or a file that the network never brought, and is
counted for the operator. A flow that is still running waits, and each wait has stored its token, so no execution needs
to be described. Slots are compared as a whole (free_slots.py).
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from operator import itemgetter

from duologue.call_control.history import History, url_of
from duologue.domain.accounting.cdr import Cdr, cdr_of
from duologue.domain.calls.call import Call
from duologue.domain.errors import OutsideUnavailable, UnknownCall, UnreadableCall
from duologue.domain.media.recording import published_key
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.ports.call_lists import Listing
from duologue.usecases.ports.calls import Calls, EndedCall, EndedCalls, Histories
from duologue.usecases.ports.cdr_archive import CdrArchive, CdrFormat
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.notifying import Notice, Notices
from duologue.usecases.ports.outside import Clock
from duologue.usecases.ports.recordings import Recordings
from duologue.usecases.until_written import Pause, until_written
from duologue.usecases.working_through import HasTime, WorkThrough, always, in_turn, until

_log = logging.getLogger(__name__)


class Found(StrEnum):
    """What did not agree with a call that is over."""

    NOTIFICATION = "notification"
    """A fact without a delivery: it is queued."""
    FLOW = "flow"
    """An execution that still waited: its wait is completed, and it ends."""
    RECORDING_MISSING = "recording_missing"
    """The network has not brought the file: the call says so."""
    RECORDING_UNPUBLISHED = "recording_unpublished"
    """The network's file was not published. Its event is in a dead-letter queue, or will come."""
    CDR = "cdr"
    """It is missing, which only a deletion by hand explains."""
    SLOT = "slot"
    """A slot was held for a call that is not open (free_slots.py)."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many calls were reconciled, and what was found. `is_all`: none that is due was left for the next sweep."""

    calls: int
    found: Counter[Found]
    is_all: bool


_AT_A_TIME = 1000
"""Calls whose CDRs are archived together: what a sweep that dies repeats, and goes on with when its time is over."""
_AGAIN = timedelta(days=1)
"""After which a call is looked at again that could not be read: a later release, or another key, may read it."""
_LISTED_TOGETHER = 25
_IN_ONE_FILE = 500
"""CDRs, each of a KB or two."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """`call`: None: some of it was deleted. `cdr`: None: it has none to archive."""

    ended: EndedCall
    call: Call | None
    cdr: Cdr | None
    line: str


@dataclass(frozen=True, slots=True)
class ReconcileCalls:
    ended: EndedCalls
    calls: Calls
    histories: Histories
    flows: Flows
    notices: Notices
    recordings: Recordings
    listing: Listing
    archive: CdrArchive
    format: CdrFormat
    clock: Clock
    isolate: FailureIsolation
    pause: Pause
    work_through: WorkThrough = in_turn

    def __call__(self, most: int = 20_000, end: datetime | None = None) -> Reconciled:
        """Reconcile up to `most` calls until `end`, oldest first. One that cannot be reconciled blocks no other."""
        found, taken, done = list[Found](), 0, list[EndedCall]()
        has_time = until(end, self.clock)
        due = iter(self.ended.unreconciled(self.clock.now(), most))
        is_all = False
        while has_time() and not is_all:
            some = list(islice(due, _AT_A_TIME))
            is_all = len(some) < _AT_A_TIME
            taken += len(some)
            self._work_on(some, has_time, found, done)
        return Reconciled(len(done), Counter(found), is_all and len(done) == taken < most)

    def _work_on(self, some: list[EndedCall], has_time: HasTime, found: list[Found], done: list[EndedCall]) -> None:
        """Add to what was found, and to the calls that are done."""
        looked, archived = list[_Looked](), list[_Looked]()
        unreadable, listed = list[EndedCall](), list[EndedCall]()

        def look(ended: EndedCall) -> None:
            with self._retrying(ended.call_id, "not reconciled; retrying in the next sweep"):
                try:
                    call, cdr = self._reconcile(ended.call_id, found)
                except UnreadableCall:  # the isolation reports it; once a day: only the operator can do anything
                    unreadable.append(ended)
                    raise
                looked.append(_Looked(ended, call, cdr, "" if cdr is None else self.format.line(cdr)))

        def archive(group: tuple[tuple[str, date], list[_Looked]]) -> None:
            (app, day), some = group
            with self._retrying(some[0].ended.call_id, "CDRs not archived; retrying in the next sweep"):
                self.archive.store(app, day, [each.line for each in some], self.clock.now())
                archived.extend(some)

        def list_(some: list[_Looked]) -> None:
            before = len(listed)
            with self._retrying(some[0].ended.call_id, "calls not listed; retrying in the next sweep"):
                self.listing.repair([each.call for each in some if each.call is not None])
                listed.extend(each.ended for each in some)
            if len(listed) == before and len(some) > 1:  # one of them must not keep the others out
                in_turn([[each] for each in some], list_, always)

        def finish(ended: EndedCall) -> None:
            with self._retrying(ended.call_id, "not reconciled; retrying in the next sweep"):
                self.ended.reconciled(ended)
                done.append(ended)

        def postpone(ended: EndedCall) -> None:
            with self._retrying(ended.call_id, "not postponed; it is looked at in the next sweep"):
                self.ended.postponed(ended, self.clock.now() + _AGAIN)
                done.append(ended)

        self.work_through(some, look, has_time)
        self.work_through(_files_of(looked), archive, always)
        archived += [each for each in looked if each.cdr is None]
        groups = [archived[first : first + _LISTED_TOGETHER] for first in range(0, len(archived), _LISTED_TOGETHER)]
        in_turn(groups, list_, always)  # calls of one app meet on what it used
        self.work_through(listed, finish, always)
        self.work_through(unreadable, postpone, always)

    @contextmanager
    def _retrying(self, call_id: str, message: str) -> Iterator[None]:
        """Around what the next sweep does again if it fails. `call_id`: of the call, or of the first of them."""
        with self.isolate(call_id):
            try:
                yield
            except OutsideUnavailable:
                _log.warning(message, extra={"call_id": call_id}, exc_info=True)

    def _reconcile(self, call_id: str, found: list[Found]) -> tuple[Call | None, Cdr | None]:
        """Add to what was found. Returns the call and its CDR; None: the call is not complete."""
        try:
            history = self.histories.history(call_id)
        except UnknownCall:  # some of its items were deleted
            _log.warning("nothing to reconcile: the call is not complete", extra={"call_id": call_id})
            return None, None
        here = [*self._notifications(history), *self._flow(history), *self._recording(history.call)]
        here += [Found.CDR] if history.cdr is None else []
        for each in here:
            _log.warning("reconciliation found something", extra={"call_id": call_id, "found": each})
        found += here
        return history.call, history.cdr or cdr_of(history.call)

    def _notifications(self, history: History) -> Iterator[Found]:
        call, numbered = history.call, history.by_sequence
        missing = [
            Notice(call.id, number, source, call.app)
            for number, source in sorted(history.sources.items())
            if number not in history.deliveries and url_of(call, numbered[number]) is not None
        ]
        if missing:
            self.notices.queue(missing)
        yield from [Found.NOTIFICATION] * len(missing)

    def _flow(self, history: History) -> Iterator[Found]:
        token = history.task_token
        if token is not None and self.flows.resume(token.value):
            yield Found.FLOW

    def _recording(self, call: Call) -> Iterator[Found]:
        recording = call.recording
        if recording is None or recording.deleted_at is not None:
            return
        if self.recordings.size(published_key(call.app, call.id)) is not None:
            return
        if self.recordings.size(recording.key) is not None:
            yield Found.RECORDING_UNPUBLISHED
            return
        until_written(lambda: self._mark_missing(call.id), self.pause, f"call {call.id}")
        yield Found.RECORDING_MISSING

    def _mark_missing(self, call_id: str) -> None:
        saved = self.calls.load(call_id)
        recording = saved.call.recording
        if recording is not None and recording.missing_at is None:
            missing = replace(recording, missing_at=self.clock.now())
            self.calls.save(Change(saved, replace(saved.call, recording=missing)))


def _files_of(looked: list[_Looked]) -> Iterator[tuple[tuple[str, date], list[_Looked]]]:
    """Those with a CDR by app and day of the end, in files of their own, oldest first."""
    groups = defaultdict[tuple[str, date], list[tuple[datetime, str, _Looked]]](list)
    for each in looked:
        if each.cdr is not None:
            ended = each.cdr.ended_at.astimezone(UTC)
            groups[each.cdr.app, ended.date()].append((ended, each.cdr.call_id, each))
    for key, timed in groups.items():
        group = [each for _, _, each in sorted(timed, key=itemgetter(0, 1))]
        for first in range(0, len(group), _IN_ONE_FILE):
            yield key, group[first : first + _IN_ONE_FILE]
