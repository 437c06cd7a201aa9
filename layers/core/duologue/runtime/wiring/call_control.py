"""Dependencies of call_control."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from duologue.adapters.aws import FAST
from duologue.adapters.inbound_metrics import count_turned_away
from duologue.adapters.jittered_pause import pause, tries_within
from duologue.adapters.system_clock import SystemClock
from duologue.runtime.carriers import network_format, prompt_stopper
from duologue.runtime.wiring.calls import dynamo_calls, flows
from duologue.runtime.wiring.inbound_calls import inbound_calls
from duologue.runtime.wiring.memories import memory_seal
from duologue.runtime.wiring.seals import sealed_rows
from duologue.usecases.answer_inbound_call import AnswerInboundCall
from duologue.usecases.ports.network import NetworkFormat
from duologue.usecases.ports.outside import Clock
from duologue.usecases.process_network_event import ProcessNetworkEvent
from duologue.wire.huawei.session_id import inbound_call_id

if TYPE_CHECKING:
    from duologue.usecases.ports.denying import DenyLists

_TRIES_S = 7.0
"""A last try that begins then is over before the function's time-out of 10 s, unless it fails a second time."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    process: ProcessNetworkEvent
    network: NetworkFormat
    clock: Clock


@cache
def dependencies() -> Dependencies:
    network = network_format()
    calls = dynamo_calls(sealed_rows(), FAST)
    inbound = inbound_calls(calls, FAST)
    answer = AnswerInboundCall(inbound, memory_seal(), network, inbound_call_id, count_turned_away, pause, _deny_lists)
    process = ProcessNetworkEvent(calls, flows(FAST), network, prompt_stopper(), pause, answer, tries_within(_TRIES_S))
    return Dependencies(process, network, SystemClock())


@cache
def _deny_lists() -> "DenyLists":
    from duologue.runtime.wiring.deny_lists import deny_lists  # only calls to display numbers need it

    return deny_lists(FAST)
