"""Free leaked slots and finalize overdue calls. Runs on a schedule."""

from typing import Any

from duologue.adapters.metrics import count
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.sweep import Dependencies, dependencies
from duologue.usecases.free_slots import free_slots


def answer(dependencies: Dependencies) -> dict[str, Any]:
    """Slots first, because that is quick. If one part fails, the other still runs; then the error is raised."""
    try:
        freed = free_slots(calls=dependencies.calls)
        count("SlotsFreed", freed)
    finally:
        swept = dependencies.sweep()
        count("CallsSwept", swept.finalized)
        count("CallsNotFinalized", swept.remaining)
        count("CallsWithoutEvents", swept.without_events)
    return {"finalized": swept.finalized, "remaining": swept.remaining, "freed": freed}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up(context)
    return answer(dependencies())
