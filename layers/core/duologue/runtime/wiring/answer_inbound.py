"""What answers calls to display numbers. Loaded at the first one, not by every process that answers calls."""

from duologue.adapters.basics.aws import FAST
from duologue.adapters.basics.jittered_pause import pause
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.adapters.memory.inbound_metrics import count_turned_away
from duologue.runtime.wiring.deny_lists import deny_lists, rate_book
from duologue.runtime.wiring.inbound_calls import inbound_calls
from duologue.runtime.wiring.memories import memory_seal
from duologue.usecases.memory.answer_inbound_call import AnswerInboundCall
from duologue.usecases.ports.network import NetworkFormat
from duologue.wire.huawei.session_id import inbound_call_id


def answer_inbound_call(calls: DynamoCalls, network: NetworkFormat) -> AnswerInboundCall:
    inbound = inbound_calls(calls, FAST)
    return AnswerInboundCall(
        inbound, memory_seal(), network, inbound_call_id, count_turned_away, pause, deny_lists(FAST), rate_book(FAST)
    )
