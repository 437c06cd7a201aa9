"""What the DynamoDB stream says happened → what must be told to whom."""

from typing import Any

from duologue.adapters.call_stream import committed_of
from duologue.runtime.last_resort import going_on
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.outbox import Parts, parts
from duologue.usecases.forward_facts import forward_facts


def answer(event: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """Hand on one batch. An exception gives the batch back to the stream, which keeps the order and tries again."""
    forward_facts(committed_of(event), flows=parts.flows, notices=parts.notices, guard=going_on("outbox"))
    return {"batchItemFailures": []}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up()
    return answer(event, parts())
