"""Queue notifications, start and resume flows, and list calls, from the stream of the calls table."""

from typing import Any

from duologue.adapters.calls.call_stream import committed_of, listed_in
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.outbox import Dependencies, dependencies


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    """Process one batch. An exception returns it to the stream, which keeps the order and retries."""
    dependencies.forward(committed_of(event))
    dependencies.list_calls(*listed_in(event))
    return {"batchItemFailures": []}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up(context)
    return answer(event, dependencies())
