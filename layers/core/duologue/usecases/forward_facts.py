"""Forward what was committed: resume the state that waits for it (R2), and queue each fact for the SP (R11)."""

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
    """What one change of a call added: a notice for each fact, in order, and what it resumes."""

    call_id: str
    notices: tuple[Notice, ...] = ()
    resumes: Wait | None = None


def forward_facts(
    committed: Iterable[Committed], *, calls: Calls, flows: Flows, notices: Notices, isolate: FailureIsolation
) -> None:
    """Queue what must be told, in order; then resume each flow, whatever became of another.

    A flow that cannot be resumed for good is passed over: giving the batch back would hold up all that the stream has
    after it. Repeating a batch is harmless: resuming twice is once, and a fact is told once by its sequence.

    Raises:
        OutsideUnavailable: the queue, the store or the state machine is out of reach; the batch must come again.
    """
    changes = list(committed)
    notices.queue([notice for change in changes for notice in change.notices])
    unreached: OutsideUnavailable | None = None
    for change in changes:
        if change.resumes is None:
            continue
        with isolate(change.call_id):
            try:
                resume_flow(change.call_id, change.resumes, calls=calls, flows=flows)
            except OutsideUnavailable as error:
                unreached = error
    if unreached is not None:
        raise unreached
