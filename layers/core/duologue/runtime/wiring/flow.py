"""Dependencies of flow."""

import secrets
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from duologue.adapters.basics.aws import FAST
from duologue.adapters.basics.jittered_pause import pause
from duologue.adapters.basics.system_clock import SystemClock
from duologue.runtime.carriers import network
from duologue.runtime.wiring.calls import dynamo_calls
from duologue.runtime.wiring.finalizing import finalize_call
from duologue.runtime.wiring.seals import sealed_rows
from duologue.usecases.accounting.finalize_call import FinalizeCall
from duologue.usecases.calls.run_flow import RunFlow


@dataclass(frozen=True, slots=True)
class Dependencies:
    flow: RunFlow
    finalize: FinalizeCall


@cache
def dependencies() -> Dependencies:
    calls = dynamo_calls(sealed_rows(), FAST)
    flow = RunFlow(calls, network(), SystemClock(), pause, lambda: str(UUID(hex=secrets.token_hex(16), version=4)))
    return Dependencies(flow, finalize_call(calls))
