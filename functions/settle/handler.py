"""Close the account of a finished callback, if the last hang-up has not."""

from typing import Any

from duologue.adapters.metrics import count
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.calls import Dependencies, dependencies, network
from duologue.usecases.finalize_call import finalize_call
from duologue.usecases.ports import Network


def answer(event: dict[str, Any], dependencies: Dependencies, network: Network) -> dict[str, Any]:
    """`{"callId"}` in; whether this closed the account out. LegStillUp goes to the state machine, which retries it."""
    closed = finalize_call(
        event["callId"],
        calls=dependencies.calls,
        network=network,
        flows=dependencies.flows,
        clock=dependencies.clock,
        final=False,
    )
    if closed is not None:
        count("CallsUnheard", int(closed.is_unheard))
    return {"closed": closed is not None}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up()
    return answer(event, dependencies(), network())
