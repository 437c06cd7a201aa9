"""Placing a callback, wired with fakes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from duologue.adapters.numbers.libphonenumber_plan import LibphonenumberPlan
from duologue.domain.numbers.dialling_policy import ORDINARY
from duologue.usecases.calls.place_callback import PlaceCallback, RingTimeouts
from duologue.usecases.numbers.check_numbers import DiallingRules
from duologue.usecases.until_written import Pause, no_pause
from duologue.wire.huawei.field_names import FIELDS
from tests.fakes.deny_lists import FakeDenyLists
from tests.fakes.memories import FakeMemorySeal
from tests.fakes.rates import FakeRates
from tests.fakes.sp_endpoints import FakeSpEndpoints


def placing(
    calls: Any,
    flows: Any,
    clock: Any,
    new_call_id: Callable[[datetime], str],
    *,
    endpoints: Any = None,
    seal: Any = None,
    timeouts: RingTimeouts | None = None,
    pause: Pause = no_pause,
    lists: Any = None,
    rates: Any = None,
) -> PlaceCallback:
    """`calls` plays `Calls` and `Acceptance`."""
    rules = DiallingRules(LibphonenumberPlan(), ORDINARY, lists or FakeDenyLists(), rates or FakeRates(), FIELDS)
    return PlaceCallback(
        calls,
        calls,
        flows,
        endpoints or FakeSpEndpoints(),
        seal or FakeMemorySeal(),
        rules,
        clock,
        new_call_id,
        timeouts or RingTimeouts(),
        pause,
    )
