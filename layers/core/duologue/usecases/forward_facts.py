"""Hand on what was committed: wake whoever waits for it (R2), and queue each fact for the SP (R11)."""

from collections.abc import Iterable
from dataclasses import dataclass

from duologue.usecases.ports import Flows, Notice, Notices


@dataclass(frozen=True, slots=True)
class Committed:
    """One item that a transaction on a call added: a fact with its sequence, or a wake-up with its token."""

    call_id: str
    fact: int | None = None
    wakes: str | None = None


def forward_facts(committed: Iterable[Committed], *, flows: Flows, notices: Notices) -> None:
    """Hand on, in order. Repeating it is harmless: a wake-up twice is one, and a fact is told once by its sequence."""
    items = list(committed)
    for item in items:
        if item.wakes is not None:
            flows.wake(item.wakes)
    notices.queue([Notice(item.call_id, item.fact) for item in items if item.fact is not None])
