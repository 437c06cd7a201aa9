"""Queue the notifications that are due, free leaked slots and finalize overdue calls. Runs on a schedule."""

from typing import Any

from duologue.adapters.metrics import count
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.sweep import Dependencies, dependencies
from duologue.usecases.free_slots import free_slots


def answer(dependencies: Dependencies) -> dict[str, Any]:
    """What is quick comes first. If one part fails, the others still run; then the error is raised."""
    try:
        try:
            queued = dependencies.queue_due()
        finally:
            freed = free_slots(calls=dependencies.calls)
            count("SlotsFreed", freed)
    finally:
        swept = dependencies.sweep()
        count("CallsSwept", swept.finalized)
        count("CallsNotFinalized", swept.remaining)
        count("CallsWithoutEvents", swept.without_events)
    return {"finalized": swept.finalized, "remaining": swept.remaining, "freed": freed, "queued": queued}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up(context)
    return answer(dependencies())
