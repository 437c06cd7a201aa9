"""Queue notifications and resume flows from the stream of the calls table."""

from typing import Any

from duologue.adapters.call_stream import committed_of
from duologue.runtime.last_resort import isolate_failures
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.outbox import Dependencies, dependencies
from duologue.usecases.forward_facts import forward_facts


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    """Process one batch. An exception returns it to the stream, which keeps the order and retries."""
    forward_facts(
        committed_of(event),
        calls=dependencies.calls,
        flows=dependencies.flows,
        notices=dependencies.notices,
        isolate=isolate_failures("outbox"),
    )
    return {"batchItemFailures": []}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up(context)
    return answer(event, dependencies())
