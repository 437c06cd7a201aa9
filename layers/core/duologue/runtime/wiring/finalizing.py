"""What finalizes calls. A module of its own, because it needs the whole state machine, which few functions import."""

from duologue.adapters.basics.jittered_pause import pause
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.runtime.carriers import network
from duologue.runtime.wiring.calls import flows
from duologue.usecases.accounting.finalize_call import FinalizeCall


def finalize_call(calls: DynamoCalls) -> FinalizeCall:
    return FinalizeCall(calls, network(), flows(), SystemClock(), pause)
