"""What every function that works on calls is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from duologue.adapters.aws import FAST, NORMAL, Timeouts
from duologue.adapters.aws_clients import client, lazy_client
from duologue.adapters.chime_network import ChimeNetwork
from duologue.adapters.dynamo_calls import DynamoCalls
from duologue.adapters.jittered_pause import pause
from duologue.adapters.step_functions_flows import StepFunctionsFlows
from duologue.adapters.system_clock import SystemClock
from duologue.runtime.settings import setting
from duologue.usecases.ports import Calls, Clock, Flows, Network
from duologue.wire.chime.commands import END_COMMAND


@dataclass(frozen=True, slots=True)
class Dependencies:
    calls: Calls
    flows: Flows
    clock: Clock
    pause: Callable[[int], None]


def dynamo_calls(timeouts: Timeouts = NORMAL) -> DynamoCalls:
    keep = timedelta(days=int(setting("KEEP_CALLS_DAYS", "90")))
    return DynamoCalls(client("dynamodb", timeouts), setting("CALLS_TABLE"), setting("ACCOUNTS_TABLE"), keep)


def flows(timeouts: Timeouts = NORMAL) -> StepFunctionsFlows:
    return StepFunctionsFlows(lazy_client("stepfunctions", timeouts), setting("STATE_MACHINE", ""))


def network() -> Network:
    return ChimeNetwork(lazy_client("chime-sdk-voice", NORMAL), setting("SIP_MEDIA_APPLICATION_ID"), END_COMMAND)


@cache
def dependencies() -> Dependencies:
    return Dependencies(dynamo_calls(FAST), flows(FAST), SystemClock(), pause)
