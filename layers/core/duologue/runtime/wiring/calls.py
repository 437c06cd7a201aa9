"""What every function that works on calls is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from duologue.adapters.aws_clients import brisk, brisk_on_first_use, steady, steady_on_first_use
from duologue.adapters.chime_network import ChimeNetwork
from duologue.adapters.dynamo_calls import DynamoCalls
from duologue.adapters.jittered_pause import pause
from duologue.adapters.step_functions_flows import StepFunctionsFlows
from duologue.adapters.system_clock import SystemClock
from duologue.runtime.settings import setting
from duologue.usecases.ports import Calls, Clock, Flows, Network
from duologue.wire.chime.commands import END_COMMAND


@dataclass(frozen=True, slots=True)
class Parts:
    calls: Calls
    flows: Flows
    clock: Clock
    pause: Callable[[int], None]


def dynamo_calls(client: Callable[[str], Any] = steady) -> DynamoCalls:
    keep = timedelta(days=int(setting("KEEP_CALLS_DAYS", "90")))
    return DynamoCalls(client("dynamodb"), setting("CALLS_TABLE"), setting("ACCOUNTS_TABLE"), keep)


def flows(client: Callable[[str], Any] = steady_on_first_use) -> StepFunctionsFlows:
    return StepFunctionsFlows(client("stepfunctions"), setting("STATE_MACHINE", ""))


def network() -> Network:
    return ChimeNetwork(steady_on_first_use("chime-sdk-voice"), setting("SIP_MEDIA_APPLICATION_ID"), END_COMMAND)


@cache
def parts() -> Parts:
    return Parts(dynamo_calls(brisk), flows(brisk_on_first_use), SystemClock(), pause)
