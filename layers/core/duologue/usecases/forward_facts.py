"""Forward committed changes: queue their facts for the SP (R11), and resume the flow (R2)."""

from collections.abc import Iterable
from dataclasses import dataclass

from duologue.domain.errors import OutsideUnavailable
from duologue.domain.task_token import Wait
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.notifying import Notice, Notices
from duologue.usecases.resume_flow import resume_flow


@dataclass(frozen=True, slots=True)
class Committed:
    """A committed change of a call: a notice per fact, in order, and the wait that it completes."""

    call_id: str
    notices: tuple[Notice, ...] = ()
    resumes: Wait | None = None


@dataclass(frozen=True, slots=True)
class ForwardFacts:
    calls: Calls
    flows: Flows
    notices: Notices
    isolate: FailureIsolation

    def __call__(self, committed: Iterable[Committed]) -> None:
        """Queue the notices in order, then resume each flow, independently of the others.

        A flow that can never be resumed is skipped: returning the batch would block the rest of the stream. Repeating a
        batch is harmless: resuming is idempotent, and notices are deduplicated by sequence.

        Raises:
            OutsideUnavailable: the queue, the store or the state machine is unavailable; the batch must be retried.
        """
        changes = list(committed)
        self.notices.queue([notice for change in changes for notice in change.notices])
        unreached: OutsideUnavailable | None = None
        for change in changes:
            if change.resumes is None:
                continue
            with self.isolate(change.call_id):
                try:
                    resume_flow(change.call_id, change.resumes, calls=self.calls, flows=self.flows)
                except OutsideUnavailable as error:
                    unreached = error
        if unreached is not None:
            raise unreached
