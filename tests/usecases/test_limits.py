"""What limits are made of, and freeing what no call holds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from duologue.domain.accounts import App
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.idempotency import IdempotencyKey
from duologue.domain.limits import Terms, callee_day, terms_for, until_next_day
from duologue.domain.phone_number import PhoneNumber
from duologue.usecases.free_slots import free_slots
from tests.fakes.calls import FakeCalls
from tests.samples import CALLEE, NOW

APP = App("app-1", "sp-1", "secret", calls_per_second=4, calls_per_callee_per_day=3)


def test_the_terms_of_an_app():
    key = IdempotencyKey.of("k", b"request")
    assert terms_for(APP, CALLEE, NOW, key, is_test=False) == Terms(4, callee_day(APP, CALLEE, NOW), key)
    assert terms_for(APP, CALLEE, NOW, None, is_test=True) == Terms(4)
    unlimited = App("app-1", "sp-1", "secret", calls_per_second=0)
    assert terms_for(unlimited, CALLEE, NOW, None, is_test=False) == Terms()


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

        def free_slot(self, app_key, call_id):
            self.asked += 1
            if self.asked == out_of_reach:
                raise OutsideUnavailable("calls")
            return super().free_slot(app_key, call_id)

    calls = Shaky()
    calls.slots = {"app-1": {"gone-1", "gone-2"}}
    assert [free_slots(calls=calls), free_slots(calls=calls), free_slots(calls=calls)] == [1, 1, 0]
    assert calls.slots == {"app-1": set()}
