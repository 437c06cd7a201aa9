"""Close the account of a finished callback, if the last hang-up has not."""

from typing import Any

from duologue.adapters.metrics import count
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.calls import Parts, network, parts
from duologue.usecases.close_account import close_account
from duologue.usecases.ports import Network


def answer(event: dict[str, Any], parts: Parts, network: Network) -> dict[str, Any]:
    """`{"callId"}` in; whether this closed the account out. LegStillUp goes to the state machine, which retries it."""
    closed = close_account(
        event["callId"], calls=parts.calls, network=network, flows=parts.flows, clock=parts.clock, final=False
    )
    if closed is not None:
        count("CallsUnheard", int(closed.is_unheard))
    return {"closed": closed is not None}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up()
    return answer(event, parts(), network())
