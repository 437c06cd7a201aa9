"""Forward committed changes: queue their facts for the SP (R11), and start or resume the flow (R2)."""

from collections.abc import Iterable
from dataclasses import dataclass

from duologue.domain.calls.call import Phase
from duologue.domain.calls.task_token import Wait
from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.calls.place_callback import RingTimeouts, flow_order
from duologue.usecases.calls.resume_flow import resume_flow
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.notifying import Notice, Notices


@dataclass(frozen=True, slots=True)
class Committed:
    """A committed change of a call: a notice per fact, in order, and the wait that it completes.

    `starts_flow`: the call came in, and was answered without its flow.
    """

    call_id: str
    notices: tuple[Notice, ...] = ()
    resumes: Wait | None = None
    starts_flow: bool = False


@dataclass(frozen=True, slots=True)
class ForwardFacts:
    calls: Calls
    flows: Flows
    notices: Notices
    isolate: FailureIsolation

    def __call__(self, committed: Iterable[Committed]) -> None:
        """Queue the notices in order, then start or resume each flow, independently of the others.

        A flow that can never be resumed is skipped: returning the batch would block the rest of the stream. Repeating a
        batch is harmless: starting and resuming are idempotent, and notices are deduplicated by sequence.

        Raises:
            OutsideUnavailable: the queue, the store or the state machine is unavailable; the batch must be retried.
        """
        changes = list(committed)
        self.notices.queue([notice for change in changes for notice in change.notices])
        unreached: OutsideUnavailable | None = None
        for change in changes:
            with self.isolate(change.call_id):
                try:
                    if change.starts_flow:
                        self._start(change.call_id)
                    if change.resumes is not None:
                        resume_flow(change.call_id, change.resumes, calls=self.calls, flows=self.flows)
                except OutsideUnavailable as error:
                    unreached = error
        if unreached is not None:
            raise unreached

    def _start(self, call_id: str) -> None:
        """Start the flow that watches a call which came in, unless the call is over."""
        call = self.calls.load(call_id).call
        if call.phase is not Phase.OVER:
            self.flows.start(flow_order(call, RingTimeouts(callee_ring=call.ring_limit)))
