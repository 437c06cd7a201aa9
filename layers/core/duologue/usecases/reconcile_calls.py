"""Reconcile every call once, some time after its end: does what the call left agree with the call?

    its notifications   each fact that the SP has a URL for has a delivery, in any state   else: queue it
    its flow            its newest task token completes no wait                            else: it does now
    its recording       the published file is there                                        else: say so on the call
    its CDR             is there                                                           else: report it
    its lists           say that it is over                                                else: they do now

Normally all agree, for each of these has been seen to by who ended the call, and by the outbox from the stream. What is
found is a lost record of the stream, a wait that nobody completed, or a file that the network never brought, and is
counted for the operator. A flow that is still running waits, and each wait has stored its token, so no execution needs
to be described. Slots are compared as a whole (free_slots.py).
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from duologue.call_control.history import History, url_of
from duologue.domain.call import Call
from duologue.domain.errors import OutsideUnavailable, UnknownCall
from duologue.domain.recording import published_key
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.ports.call_lists import Listing
from duologue.usecases.ports.calls import Calls, EndedCall, EndedCalls, Histories
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.notifying import Notice, Notices
from duologue.usecases.ports.outside import Clock
from duologue.usecases.ports.recordings import Recordings
from duologue.usecases.until_written import Pause, until_written
from duologue.usecases.working_through import WorkThrough, in_turn, until

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


@dataclass(frozen=True, slots=True)
class ReconcileCalls:
    ended: EndedCalls
    calls: Calls
    histories: Histories
    flows: Flows
    notices: Notices
    recordings: Recordings
    listing: Listing
    clock: Clock
    isolate: FailureIsolation
    pause: Pause
    work_through: WorkThrough = in_turn

    def __call__(self, most: int = 20_000, end: datetime | None = None) -> Reconciled:
        """Reconcile up to `most` calls until `end`, oldest first. One that cannot be reconciled blocks no other."""
        found: list[Found] = []
        taken: list[str] = []
        done: list[str] = []

        def reconcile(ended: EndedCall) -> None:
            taken.append(ended.call_id)
            with self.isolate(ended.call_id):
                try:
                    found.extend(self._reconcile(ended.call_id))
                    self.ended.reconciled(ended)
                except OutsideUnavailable:
                    extra = {"call_id": ended.call_id}
                    _log.warning("not reconciled; retrying in the next sweep", extra=extra, exc_info=True)
                    return
                done.append(ended.call_id)

        due = self.ended.unreconciled(self.clock.now(), most)
        is_all = self.work_through(due, reconcile, until(end, self.clock))
        return Reconciled(len(done), Counter(found), is_all and len(done) == len(taken) < most)

    def _reconcile(self, call_id: str) -> list[Found]:
        try:
            history = self.histories.history(call_id)
        except UnknownCall:  # some of its items were deleted
            _log.warning("nothing to reconcile: the call is not complete", extra={"call_id": call_id})
            return []
        found = [*self._notifications(history), *self._flow(history), *self._recording(history.call)]
        found += [Found.CDR] if history.cdr is None else []
        self.listing.repair([history.call])
        for each in found:
            _log.warning("reconciliation found something", extra={"call_id": call_id, "found": each})
        return found

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
