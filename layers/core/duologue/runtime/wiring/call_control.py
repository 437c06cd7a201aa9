"""Dependencies of call_control."""

from dataclasses import dataclass
from functools import cache

from duologue.adapters.aws import FAST
from duologue.adapters.jittered_pause import pause
from duologue.adapters.system_clock import SystemClock
from duologue.runtime.carriers import network_format, prompt_stopper
from duologue.runtime.wiring.calls import dynamo_calls, flows
from duologue.usecases.ports.network import NetworkFormat
from duologue.usecases.ports.outside import Clock
from duologue.usecases.process_network_event import ProcessNetworkEvent


@dataclass(frozen=True, slots=True)
class Dependencies:
    process: ProcessNetworkEvent
    network: NetworkFormat
    clock: Clock


@cache
def dependencies() -> Dependencies:
    network = network_format()
    process = ProcessNetworkEvent(dynamo_calls(FAST), flows(FAST), network, prompt_stopper(), pause)
    return Dependencies(process, network, SystemClock())
