"""Hand on what was committed: wake whoever waits for it (R2), and queue each fact for the SP (R11)."""

from collections.abc import Iterable
from dataclasses import dataclass

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.ports import Flows, Notice, Notices


@dataclass(frozen=True, slots=True)
class Committed:
    """One item that a transaction on a call added: a fact with its sequence, or a wake-up with its token."""

    call_id: str
    fact: int | None = None
    resumes: str | None = None


def forward_facts(committed: Iterable[Committed], *, flows: Flows, notices: Notices, isolate: FailureIsolation) -> None:
    """Queue what must be told, in order; then wake whoever waits, each whatever became of another.

    A wake-up that is refused for good is passed over: giving it back would hold up all that the stream has after it.
    Repeating a batch is harmless: a wake-up twice is one, and a fact is told once by its sequence.

    Raises:
        OutsideUnavailable: the queue or the state machine is out of reach for now; the batch must come again.
    """
    items = list(committed)
    notices.queue([Notice(item.call_id, item.fact) for item in items if item.fact is not None])
    unreached: OutsideUnavailable | None = None
    for item in items:
        if item.resumes is None:
            continue
        with isolate(item.call_id):
            try:
                flows.resume(item.resumes)
            except OutsideUnavailable as error:
                unreached = error
    if unreached is not None:
        raise unreached
