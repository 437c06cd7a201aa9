"""Queue notifications, and start and resume flows, from the stream of the calls table."""

from typing import Any

from duologue.adapters.call_stream import committed_of
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.outbox import dependencies
from duologue.usecases.forward_facts import ForwardFacts


def answer(event: dict[str, Any], forward: ForwardFacts) -> dict[str, Any]:
    """Process one batch. An exception returns it to the stream, which keeps the order and retries."""
    forward(committed_of(event))
    return {"batchItemFailures": []}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up(context)
    return answer(event, dependencies())
