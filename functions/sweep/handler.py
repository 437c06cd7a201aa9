"""End what the network forgot, then free the slots that no call holds. Runs on a schedule."""

from typing import Any

from duologue.adapters.metrics import count
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.calls import Parts, network, parts
from duologue.usecases.free_slots import free_slots
from duologue.usecases.ports import Network
from duologue.usecases.sweep_calls import sweep_calls


def answer(parts: Parts, network: Network) -> dict[str, Any]:
    swept = sweep_calls(calls=parts.calls, network=network, flows=parts.flows, clock=parts.clock)
    return {"closed": swept.closed, "left": swept.left, "freed": free_slots(calls=parts.calls)}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up()
    swept = answer(parts(), network())
    count("CallsSwept", swept["closed"])
    count("CallsLeft", swept["left"])
    count("SlotsFreed", swept["freed"])
    return swept
