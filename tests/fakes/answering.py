"""Answering calls to display numbers, wired with fakes."""

from typing import Any

from duologue.usecases.memory.answer_inbound_call import AnswerInboundCall
from duologue.usecases.ports.memories import TurnedAway
from duologue.usecases.until_written import Pause, no_pause
from duologue.wire.huawei.session_id import inbound_call_id
from tests.fakes.accounts import FakeAccounts
from tests.fakes.deny_lists import FakeDenyLists
from tests.fakes.inbound_calls import FakeInboundCalls
from tests.fakes.memories import FakeMemorySeal
from tests.fakes.rates import FakeRates


def answering(
    calls: Any,
    network: Any,
    *,
    accounts: FakeAccounts | None = None,
    seal: Any = None,
    inbound: Any = None,
    counted: list[TurnedAway] | None = None,
    pause: Pause = no_pause,
    lists: Any = None,
    rates: Any = None,
) -> AnswerInboundCall:
    """`inbound`: instead of the fake over `calls` and `accounts`. Without accounts every number is nobody's."""
    inbound = inbound or FakeInboundCalls(calls, accounts or FakeAccounts())
    lists = lists or FakeDenyLists()
    turned_away: list[TurnedAway] = [] if counted is None else counted
    return AnswerInboundCall(
        inbound,
        seal or FakeMemorySeal(),
        network,
        inbound_call_id,
        turned_away.append,
        pause,
        lists,
        rates or FakeRates(),
    )
