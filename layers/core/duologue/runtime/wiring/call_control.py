"""Dependencies of call_control."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from duologue.adapters.basics.aws import FAST
from duologue.adapters.basics.jittered_pause import pause, tries_within
from duologue.adapters.basics.system_clock import SystemClock
from duologue.runtime.carriers import network_format, prompt_stopper
from duologue.runtime.wiring.calls import dynamo_calls, flows
from duologue.runtime.wiring.seals import sealed_rows
from duologue.usecases.calls.process_network_event import ProcessNetworkEvent
from duologue.wire.huawei.session_id import inbound_call_id

if TYPE_CHECKING:
    from duologue.adapters.calls.dynamo_calls import DynamoCalls
    from duologue.call_control.events import InboundCall
    from duologue.usecases.memory.answer_inbound_call import AnswerInboundCall
    from duologue.usecases.ports.call_changes import Answer
    from duologue.usecases.ports.network import Invocation, NetworkFormat
    from duologue.usecases.ports.outside import Clock

_TRIES_S = 7.0
"""A last try that begins then is over before the function's time-out of 10 s, unless it fails a second time."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    process: ProcessNetworkEvent
    network: NetworkFormat
    clock: Clock


class _InboundCalls:
    """What answers calls to display numbers; loaded at the first one, because most processes never meet any."""

    call_id_of = staticmethod(inbound_call_id)

    def __init__(self, calls: DynamoCalls, network: NetworkFormat) -> None:
        self._made: AnswerInboundCall | None = None
        self._calls, self._network = calls, network

    def __call__(self, said: Invocation, event: InboundCall) -> Answer:
        self._made = self._made or self._make()
        return self._made(said, event)

    def _make(self) -> AnswerInboundCall:
        from duologue.runtime.wiring.answer_inbound import answer_inbound_call

        return answer_inbound_call(self._calls, self._network)


@cache
def dependencies() -> Dependencies:
    network, calls = network_format(), dynamo_calls(sealed_rows(), FAST)
    answer = _InboundCalls(calls, network)
    process = ProcessNetworkEvent(calls, flows(FAST), network, prompt_stopper(), pause, answer, tries_within(_TRIES_S))
    return Dependencies(process, network, SystemClock())
