"""What limits are made of, and freeing what no call holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from duologue.adapters.basics import jittered_pause
from duologue.adapters.numbers.libphonenumber_plan import LibphonenumberPlan
from duologue.domain.access.accounts import App, Sp
from duologue.domain.accounting.acceptance_limits import (
    AcceptanceLimits,
    Rate,
    RateOf,
    callee_day,
    limits_for,
    until_next_day,
)
from duologue.domain.calls.callback_request import CallbackRequest
from duologue.domain.calls.idempotency import IdempotencyKey
from duologue.domain.errors import (
    DuologueError,
    KeyReused,
    LimitReached,
    NumberRefused,
    OutsideUnavailable,
    RaceLost,
    RequestRepeated,
    TooManyCalls,
)
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.access.add_app import NewApp, add_app
from duologue.usecases.access.change_app import change_app
from duologue.usecases.accounting.free_slots import free_slots
from tests.fakes.accounts import FakeAccounts
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.flows import FakeFlows
from tests.fakes.line import FakeLine
from tests.fakes.placing import placing
from tests.fakes.rates import FakeRates
from tests.fakes.sp_endpoints import FakeSpEndpoints
from tests.samples import CALLEE, CALLER, NOW, SHOWN_TO_CALLEE, SHOWN_TO_CALLER, at, callback

OWN = "+12025550100"
APP = App("app-1", "sp-1", "secret", calls_per_second=4, calls_per_callee_per_day=3)
REQUEST = CallbackRequest(CALLER, CALLEE, SHOWN_TO_CALLER, SHOWN_TO_CALLEE, bind_number=SHOWN_TO_CALLER)


def test_the_terms_of_an_app():
    key = IdempotencyKey.of("k", b"request")
    assert limits_for(APP, REQUEST, NOW, key, is_test=False) == AcceptanceLimits(4, callee_day(APP, CALLEE, NOW), key)
    assert limits_for(APP, REQUEST, NOW, None, is_test=True) == AcceptanceLimits(4)
    unlimited = App("app-1", "sp-1", "secret", calls_per_second=0)
    assert limits_for(unlimited, REQUEST, NOW, None, is_test=False) == AcceptanceLimits()


def test_the_rates_of_an_sp_and_of_each_number_that_a_call_shows():
    app = replace(APP, sp_calls_per_second=7, calls_per_number_per_minute=5)
    of_sp, first, second = (
        Rate(RateOf.SP, "sp-1", 7),
        *(Rate(RateOf.NUMBER, number.e164, 5) for number in (SHOWN_TO_CALLER, SHOWN_TO_CALLEE)),
    )
    assert limits_for(app, REQUEST, NOW, None, is_test=False).rates == (of_sp, first, second)
    one_number = replace(REQUEST, callee_sees=REQUEST.caller_sees)
    assert limits_for(app, one_number, NOW, None, is_test=False).rates == (of_sp, first)


@pytest.mark.parametrize(
    ("rate", "second", "begins", "again_after"),
    [
        (Rate(RateOf.SP, "sp-1", 7), 59.9, 59, 1),
        (Rate(RateOf.NUMBER, "+12025550100", 5), 59.9, 0, 1),
        (Rate(RateOf.NUMBER, "+12025550100", 5), 10.5, 0, 49.5),
        (Rate(RateOf.NUMBER, "+12025550100", 5), 60, 60, 60),
    ],
)
def test_a_rate_is_of_a_second_or_a_minute_of_the_clock(rate, second, begins, again_after):
    """NOW is the beginning of a minute."""
    assert rate.begins(at(second)) == NOW.timestamp() + begins
    assert rate.refusal(at(second)).again_after.total_seconds() == pytest.approx(again_after)


def test_a_callee_is_counted_under_another_name_each_day_and_for_each_app():
    same = callee_day(APP, CALLEE, NOW + timedelta(hours=14, minutes=59))
    others = [
        callee_day(APP, CALLEE, NOW + timedelta(hours=15)),
        callee_day(App("app-2", "sp-1", "secret"), CALLEE, NOW),
        callee_day(App("app-1", "sp-1", "another secret"), CALLEE, NOW),
        callee_day(APP, PhoneNumber("+12025550123"), NOW),
    ]
    assert same == callee_day(APP, CALLEE, NOW)
    assert len({same.callee, *(other.callee for other in others)}) == 5
    assert "2025550122" not in str(same)


def test_the_day_is_that_of_utc():
    tokyo = timezone(timedelta(hours=9))
    late = datetime(2026, 11, 24, 8, 59, 59, tzinfo=tokyo)
    assert callee_day(APP, CALLEE, late).day.isoformat() == "2026-11-23"
    assert until_next_day(late) == timedelta(seconds=1)
    assert until_next_day(datetime(2026, 11, 23, 23, 59, 59, 999_000, tzinfo=UTC)) == timedelta(seconds=1)
    assert until_next_day(datetime(2026, 11, 23, tzinfo=UTC)) == timedelta(days=1)


def test_a_key_tells_neither_itself_nor_its_request():
    key = IdempotencyKey.of("order-17", b"+12025550122")
    assert "order-17" not in str(key)
    assert "2025550122" not in str(key)
    assert IdempotencyKey.of("order-18", b"+12025550122").request != key.request, "guessing needs the key"


@pytest.mark.parametrize("out_of_reach", [1, 2])
def test_a_slot_that_cannot_be_freed_now_holds_up_no_other(out_of_reach):
    class Shaky(FakeCalls):
        asked = 0

        def free_slot(self, slot):
            self.asked += 1
            if self.asked == out_of_reach:
                raise OutsideUnavailable("calls")
            return super().free_slot(slot)

    calls = Shaky()
    calls.slots = {"app-1": {"gone-1", "gone-2"}}
    assert [free_slots(calls=calls), free_slots(calls=calls), free_slots(calls=calls)] == [1, 1, 0]
    assert calls.slots == {"app-1": set()}


@pytest.mark.parametrize("number", ["+19005550100", "+447012345678", "+881612345678", "+1911", "+447700900123"])
def test_an_app_shows_no_number_that_costs_whoever_calls_it_back(number):
    accounts = FakeAccounts()
    accounts.add_sp(Sp("sp-1", "training-institute", "no log-in here"))
    accounts.add_app(replace(APP, display_numbers=(OWN, number)))
    judges: dict[str, Any] = {"endpoints": FakeSpEndpoints(), "plan": LibphonenumberPlan(), "line": FakeLine()}
    judges["rates"] = FakeRates()
    with pytest.raises(NumberRefused, match=r"^display number "):
        add_app(NewApp("sp-1", (OWN, number)), accounts=accounts, random_bytes=bytes, **judges)
    with pytest.raises(NumberRefused, match=r"^display number "):
        change_app(
            "app-1", lambda app: replace(app, display_numbers=("+12025550101", "+19005550101")), apps=accounts, **judges
        )
    kept = change_app("app-1", lambda app: replace(app, calls_per_second=9), apps=accounts, **judges)
    assert kept.display_numbers == (OWN, number), "what it has already is not judged anew"


class Racing(FakeCalls):
    """Loses the first races for a slot; then the first of repeated requests, `winner`, has won it, if there is one."""

    def __init__(self, races, winner=None, refusal=RaceLost):
        super().__init__()
        self.races, self.winner, self.refusal = races, winner, refusal
        super().accept(callback("first"), slots=9, close_by=NOW)

    def accept(self, call, **asked):
        if self.races:
            self.races, self.won = self.races - 1, self.winner
            raise self.refusal("another request was faster")
        return super().accept(call, **asked)

    won = None

    def check_repeat(self, app_key, key, now):
        if self.won is not None:
            raise self.won


def place(calls, key=None):
    paused: list[int] = []
    ids = iter("abcdefghijklmnopqrstuvwxyz")
    try:
        place = placing(calls, FakeFlows(), FakeClock(), lambda now: next(ids), pause=paused.append)
        wanted = CallbackRequest(CALLER, CALLEE, SHOWN_TO_CALLER, SHOWN_TO_CALLEE, SHOWN_TO_CALLER)
        call = place(lambda: wanted, APP, key, is_test=False)
    except DuologueError as refusal:
        return type(refusal), paused
    return call.id, paused


def test_a_race_for_a_slot_is_run_again_after_a_pause_that_grows():
    assert place(Racing(3)) == ("d", [0, 1, 2])


def test_a_race_that_is_always_lost_ends():
    verdict, paused = place(Racing(99))
    assert verdict is OutsideUnavailable
    assert paused == list(range(12))


@pytest.mark.parametrize(("winner", "verdict"), [(RequestRepeated("first"), "first"), (KeyReused("app-1"), KeyReused)])
def test_a_race_lost_to_the_same_key_is_not_run_again(winner, verdict):
    key = IdempotencyKey.of("k", b"request")
    assert place(Racing(1, winner), key) == (verdict, [])
    assert place(Racing(1, winner)) == ("b", [0]), "without a key nobody asks"


@pytest.mark.parametrize("refusal", [LimitReached, TooManyCalls])
def test_a_request_that_lost_the_last_place_to_the_same_key_is_a_repeat(refusal):
    """The free places are read after the transaction that would have reported the key."""
    key = IdempotencyKey.of("k", b"request")
    assert place(Racing(1, RequestRepeated("first"), refusal), key) == ("first", [])
    assert place(Racing(1, None, refusal), key) == (refusal, [])


def test_a_pause_is_short_and_grows(monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(jittered_pause, "sleep", slept.append)
    monkeypatch.setattr(jittered_pause, "_chance", lambda: 1.0)
    for lost in range(8):
        jittered_pause.pause(lost)
    assert slept == [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.32, 0.32]
