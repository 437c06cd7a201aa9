"""What the DynamoDB stream says happened → what must be told to whom."""

from typing import Any

from duologue.adapters.call_stream import committed_of
from duologue.runtime.last_resort import isolate_failures
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.outbox import Dependencies, dependencies
from duologue.usecases.forward_facts import forward_facts


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    """Hand on one batch. An exception gives the batch back to the stream, which keeps the order and tries again."""
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
