"""Accepting within limits, in memory, in moto's DynamoDB and in the local cloud's: all of it, or nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.events import EndNotReported, NeverTakenUp
from duologue.call_control.machine import decide
from duologue.domain.accounting.acceptance_limits import AcceptanceLimits, CalleeDay, Rate, RateOf
from duologue.domain.accounting.day_budget import DayBudget, Used
from duologue.domain.calls.idempotency import KEPT, IdempotencyKey
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.errors import (
    CallAlreadyAccepted,
    CalleeLimitReached,
    DayCeilingReached,
    DialledNumberLimitReached,
    KeyReused,
    LimitReached,
    NumberRateReached,
    PairBusy,
    RaceLost,
    RequestRepeated,
    SpRateReached,
    StoreBusy,
    TooManyCalls,
    UnknownCall,
)
from duologue.usecases.accounting.free_slots import free_slots
from duologue.usecases.calls.process_network_event import change_of
from duologue.usecases.ports.call_changes import Change
from tests.fakes.calls import FakeCalls
from tests.journeys.tables import make_tables
from tests.samples import NOW, at, callback
from tests.store import Store, held

KEY = IdempotencyKey.of("order-17", b"request")
CALLEE = CalleeDay("a pseudonym", NOW.date(), 2)
NO_LIMITS = AcceptanceLimits()
BUDGET = DayBudget("20261123", Used(), Used(calls=1, seconds=600, cost=10_000), shards=4)


def call_number(number, app="app-1", accepted_at=NOW):
    return replace(callback(f"1_1_{number}_20261123090000", app), accepted_at=accepted_at)


def accept(calls, call, limits=NO_LIMITS, slots=10):
    calls.accept(call, slots=slots, close_by=at(120), limits=limits)
    return call


def end(calls, call):
    saved = calls.load(call.id)
    calls.save(change_of(saved, decide(saved.call, NeverTakenUp(at(60)))))


def end_after(calls, call, talk_s):
    """As the network reports it, in one step."""
    saved = calls.load(call.id)
    legs = {party.value: replace(call.leg(party), answered_at=at(20), ended_at=at(20 + talk_s)) for party in Party}
    over = replace(saved.call, **legs, ending=EndReason.HUNG_UP, ending_at=at(90), ended_at=at(20 + talk_s))
    calls.save(Change(saved, over, finalizes=True))


def is_known(calls, call):
    try:
        calls.load(call.id)
    except UnknownCall:
        return False
    return True


class Promises:
    """What every store of calls keeps."""

    def tamper(self, calls, delete, close):
        """Delete one call and close another by half, as no part of the platform does."""
        raise AssertionError("each store is tampered with in its own way")

    def test_calls_in_one_second(self, calls):
        limits = AcceptanceLimits(per_second=2)
        for number in range(2):
            accept(calls, call_number(number, accepted_at=NOW + timedelta(milliseconds=number)), limits)
        with pytest.raises(TooManyCalls):
            accept(calls, call_number(2, accepted_at=at(0.999)), limits)
        assert not is_known(calls, call_number(2))
        assert calls.in_use("app-1") == 2
        accept(calls, call_number(2, accepted_at=at(1)), limits)
        accept(calls, call_number(3, app="app-2"), limits)

    @pytest.mark.parametrize(
        ("rate", "last", "next_period", "error"),
        [
            (Rate(RateOf.SP, "sp-1", 2), 0.999, 1, SpRateReached),
            (Rate(RateOf.NUMBER, "+12025550100", 2), 59.999, 60, NumberRateReached),
        ],
    )
    def test_calls_of_one_sp_or_with_one_number_in_their_period_whatever_app_places_them(
        self, calls, rate, last, next_period, error
    ):
        limits = AcceptanceLimits(rates=(rate,))
        accept(calls, call_number(0), limits)
        accept(calls, call_number(1, app="app-2"), limits)
        with pytest.raises(error):
            accept(calls, call_number(2, app="app-3", accepted_at=at(last)), limits)
        assert not is_known(calls, call_number(2, app="app-3"))
        assert calls.in_use("app-3") == 0
        accept(calls, call_number(2, app="app-3", accepted_at=at(next_period)), limits)
        accept(calls, call_number(3), AcceptanceLimits(rates=(replace(rate, name="another"),)))
        accept(calls, call_number(4), AcceptanceLimits(rates=(replace(rate, most=3),)))
        with pytest.raises(error):
            accept(calls, call_number(5), AcceptanceLimits(rates=(replace(rate, name="a third"), rate)))
        accept(calls, call_number(5), AcceptanceLimits(rates=(replace(rate, name="a third", most=1),)))

    def test_calls_to_one_callee_on_one_day(self, calls):
        for number in range(2):
            accept(calls, call_number(number), AcceptanceLimits(callee=CALLEE))
        with pytest.raises(CalleeLimitReached) as refusal:
            accept(calls, call_number(2), AcceptanceLimits(callee=CALLEE))
        assert refusal.value.again_after == timedelta(hours=15)
        assert not is_known(calls, call_number(2))
        tomorrow = replace(CALLEE, day=NOW.date() + timedelta(days=1))
        accept(calls, call_number(2), AcceptanceLimits(callee=tomorrow))
        accept(calls, call_number(3), AcceptanceLimits(callee=replace(CALLEE, callee="another")))
        accept(calls, call_number(4, app="app-2"), AcceptanceLimits(callee=CALLEE))

    def test_calls_in_which_one_number_is_dialled_on_one_day(self, calls):
        """Whichever party it is: a number cannot be called more often as the caller of the same app's calls."""
        victim, others = replace(CALLEE, callee="victim"), [replace(CALLEE, callee=f"other-{n}") for n in range(4)]
        for number in range(2):
            accept(calls, call_number(number), AcceptanceLimits(dialled=(others[number], victim)))
        with pytest.raises(DialledNumberLimitReached) as refusal:
            accept(calls, call_number(2), AcceptanceLimits(dialled=(others[2], replace(victim, named="calleeNbr"))))
        assert str(refusal.value) == "calleeNbr was dialled as often today as the app may dial it."
        assert refusal.value.again_after == timedelta(hours=15)
        assert not is_known(calls, call_number(2))
        for number in (2, 3):
            accept(calls, call_number(number), AcceptanceLimits(dialled=(others[2],)))
        with pytest.raises(DialledNumberLimitReached):
            accept(calls, call_number(4), AcceptanceLimits(dialled=(others[2], others[3])))
        accept(calls, call_number(4), AcceptanceLimits(callee=victim, dialled=(others[3],)))
        accept(calls, call_number(5, app="app-2"), AcceptanceLimits(dialled=(victim,)))

    @pytest.mark.parametrize("shards", [1, 4, 8])
    @pytest.mark.parametrize(
        ("most", "fit", "said"),
        [
            (Used(calls=11), 11, "calls"),
            (Used(seconds=6599), 10, "minutes"),
            (Used(cost=50_000), 5, "spend"),
            (Used(9, 6600, 40_000), 4, "spend"),
        ],
    )
    def test_no_ceiling_of_a_day_is_exceeded_and_nothing_is_refused_that_fits(self, calls, most, fit, said, shards):
        budget = replace(BUDGET, most=most, shards=shards)
        limits = AcceptanceLimits(budget=budget)
        for number in range(fit):
            accept(calls, call_number(number), limits, slots=99)
        with pytest.raises(DayCeilingReached, match=f"^{said}$") as refusal:
            accept(calls, call_number(fit), limits, slots=99)
        assert refusal.value.again_after == timedelta(hours=15)
        assert not is_known(calls, call_number(fit))
        assert calls.in_use("app-1") == fit
        accept(calls, call_number(fit + 1, app="app-2"), limits)
        accept(calls, call_number(fit), AcceptanceLimits(budget=replace(budget, day="20261124")), slots=99)

    def test_what_a_call_has_not_used_is_given_back_at_its_end(self, calls):
        """90 s of talk, and two begun minutes of each leg: 1,510 s and 7,960 of the cost are left."""
        budget = DayBudget("20261123", Used(0, 1600, 8000), Used(1, 600, 8000), shards=4, rates=(7, 13))

        def place(number: int, budget: DayBudget) -> None:
            accept(calls, call_number(number), AcceptanceLimits(budget=budget))

        place(0, budget)
        end_after(calls, call_number(0), 90)
        place(1, replace(budget, takes=Used(1, 1510, 7960)))
        end(calls, call_number(1))
        for takes in (Used(1, 1511, 0), Used(1, 0, 7961)):
            with pytest.raises(DayCeilingReached):
                place(2, replace(budget, takes=takes))
        only_calls = replace(budget, most=Used(calls=3))
        place(2, only_calls)
        with pytest.raises(DayCeilingReached):
            place(3, only_calls)

    def test_of_several_limits_the_first_is_told(self, calls):
        rates = (Rate(RateOf.SP, "sp-1", 1), Rate(RateOf.NUMBER, "+12025550100", 1))
        everything = AcceptanceLimits(1, replace(CALLEE, most=1), KEY, rates)
        accept(calls, call_number(0), everything, slots=1)
        refusals = [
            (everything, RaceLost),
            (replace(everything, key=None), TooManyCalls),
            (replace(everything, key=None, per_second=0), SpRateReached),
            (replace(everything, key=None, per_second=0, rates=everything.rates[1:]), NumberRateReached),
            (replace(everything, key=None, per_second=0, rates=()), LimitReached),
        ]
        for limits, kind in refusals:
            with pytest.raises(kind):
                accept(calls, call_number(1), limits, slots=1)
        with pytest.raises(CalleeLimitReached):
            accept(calls, call_number(1), AcceptanceLimits(callee=replace(CALLEE, most=1)), slots=2)
        with pytest.raises(CallAlreadyAccepted):
            accept(calls, call_number(0))

    def test_what_is_refused_counts_for_nothing(self, calls):
        """Whatever refuses it, every count is as if it had never been asked for, and its key is as good as new."""
        limits = AcceptanceLimits(2, CALLEE, KEY)
        accept(calls, call_number(0), replace(limits, key=None), slots=1)
        for number in range(1, 5):
            with pytest.raises(LimitReached):
                accept(calls, call_number(number), limits, slots=1)
        with pytest.raises(CallAlreadyAccepted):
            accept(calls, call_number(0), limits)
        calls.check_repeat("app-1", KEY, NOW)
        accept(calls, call_number(1), limits)

    def test_a_key_leads_to_its_call(self, calls):
        calls.check_repeat("app-1", KEY, NOW)
        call = accept(calls, call_number(0), AcceptanceLimits(key=KEY))
        for _ in range(2):
            with pytest.raises(RequestRepeated) as repeat:
                calls.check_repeat("app-1", KEY, at(60))
            assert repeat.value.call_id == call.id
        with pytest.raises(KeyReused):
            calls.check_repeat("app-1", IdempotencyKey.of("order-17", b"another request"), at(60))
        calls.check_repeat("app-2", KEY, at(60))
        calls.check_repeat("app-1", IdempotencyKey.of("order-18", b"request"), at(60))

    def test_a_key_is_taken_once_and_again_after_its_time(self, calls):
        accept(calls, call_number(0), AcceptanceLimits(key=KEY))
        with pytest.raises(RaceLost):
            accept(calls, call_number(1, accepted_at=NOW + KEPT - timedelta(seconds=1)), AcceptanceLimits(key=KEY))
        assert not is_known(calls, call_number(1))
        calls.check_repeat("app-1", KEY, NOW + KEPT)
        later = accept(calls, call_number(1, accepted_at=NOW + KEPT), AcceptanceLimits(key=KEY))
        with pytest.raises(RequestRepeated) as repeat:
            calls.check_repeat("app-1", KEY, NOW + KEPT)
        assert repeat.value.call_id == later.id

    def test_a_key_outlives_its_call(self, calls):
        call = accept(calls, call_number(0), AcceptanceLimits(key=KEY))
        end(calls, call)
        with pytest.raises(RequestRepeated):
            calls.check_repeat("app-1", KEY, at(3600))

    def test_a_call_that_is_withdrawn_counts_for_nothing(self, calls):
        budget = replace(BUDGET, most=Used(calls=1, seconds=600))
        one = replace(CALLEE, most=1)
        limits = AcceptanceLimits(5, one, KEY, dialled=(replace(one, callee="dialled"),), budget=budget)
        call = accept(calls, call_number(0), limits, slots=1)
        closed = replace(decide(call, NeverTakenUp(at(5))).call, facts=1)
        calls.withdraw(Change(calls.load(call.id), closed, finalizes=True), limits)
        assert calls.load(call.id).call == closed
        calls.check_repeat("app-1", KEY, at(5))
        accept(calls, call_number(1), limits, slots=1)

    def test_a_withdrawal_that_lost_its_race_changes_nothing(self, calls):
        limits = AcceptanceLimits(key=KEY)
        call = accept(calls, call_number(0), limits)
        change = Change(calls.load(call.id), replace(call, ending=EndReason.STOPPED))
        calls.save(change)
        with pytest.raises(RaceLost):
            calls.withdraw(change, limits)
        with pytest.raises(RequestRepeated):
            calls.check_repeat("app-1", KEY, at(5))

    def test_slots_that_no_open_call_holds_are_freed_and_no_other(self, calls):
        """A call that was deleted, one that something closed by half, one that ended as it should, one in progress.

        With its slot a return call's pair is freed.
        """
        pairs = ["pair-0", None, "pair-2", "pair-3"]
        started = [replace(call_number(number), pair=pair) for number, pair in enumerate(pairs)]
        deleted, closed, ended, going = (accept(calls, call) for call in started)
        other = accept(calls, replace(call_number(4, app="app-2"), pair="pair-3"))
        end(calls, ended)
        self.tamper(calls, delete=deleted.id, close=closed.id)
        left = {"app-1": {going.id: "pair-3"}, "app-2": {other.id: "pair-3"}}
        assert held(calls) == left | {"app-1": {deleted.id: "pair-0", closed.id: None, going.id: "pair-3"}}
        assert set(calls.open_calls()) == {going.id, other.id}
        assert [free_slots(calls=calls), free_slots(calls=calls)] == [2, 0]
        assert held(calls) == left
        for number, pair in enumerate(pairs[:3], 5):
            accept(calls, replace(call_number(number), pair=pair))
        with pytest.raises(PairBusy):
            accept(calls, replace(call_number(8), pair="pair-3"))

    def test_an_open_call_keeps_its_slot_even_if_the_list_of_open_calls_is_late(self, calls):
        call = accept(calls, call_number(0))
        [slot] = calls.held_slots()
        assert calls.free_slot(slot) is False
        assert calls.in_use("app-1") == 1
        end(calls, call)
        assert calls.free_slot(slot) is False, "it is free"

    def test_a_pair_that_another_call_has_taken_since_the_look_stays_taken(self, calls):
        first = accept(calls, replace(call_number(0), pair="pair-0"))
        [slot] = calls.held_slots()
        end(calls, first)
        second = accept(calls, replace(call_number(1), pair="pair-0"))
        assert calls.free_slot(slot) is False
        assert held(calls) == {"app-1": {second.id: "pair-0"}}

    def test_a_limit_that_was_lowered_holds_for_new_calls(self, calls):
        """The older ones go on. How soon their ends make room depends on which slots they hold."""
        older = [accept(calls, call_number(number), slots=6) for number in range(6)]
        newer = 0
        for call in older:
            with pytest.raises(LimitReached):
                for _ in range(3):
                    accept(calls, call_number(6 + newer), slots=2)
                    newer += 1
            end(calls, call)
        while newer < 2:
            accept(calls, call_number(6 + newer), slots=2)
            newer += 1
        assert (newer, calls.in_use("app-1")) == (2, 2)
        with pytest.raises(LimitReached):
            accept(calls, call_number(9), slots=2)

    def test_spared_slots_are_taken_last_and_alone_by_those_who_may_have_no_others(self, calls):
        """Of 5 slots, 2 for return calls, which never have a third."""
        spared = replace(NO_LIMITS, spared_slots=2)
        for number in range(3):
            accept(calls, call_number(number), spared, slots=5)
        back = [accept(calls, call_number(number), slots=2) for number in (3, 4)]
        with pytest.raises(LimitReached):
            accept(calls, call_number(5), slots=2)
        with pytest.raises(LimitReached):
            accept(calls, call_number(6), spared, slots=5)
        end(calls, back[0])
        accept(calls, call_number(7), spared, slots=5)
        with pytest.raises(LimitReached):
            accept(calls, call_number(8), slots=2)

    def test_slots_that_are_all_spared_are_taken_all_the_same(self, calls):
        for number in range(2):
            accept(calls, call_number(number), replace(NO_LIMITS, spared_slots=9), slots=2)
        with pytest.raises(LimitReached):
            accept(calls, call_number(2), replace(NO_LIMITS, spared_slots=9), slots=2)

    def test_however_a_call_ends_its_slot_and_its_minutes_are_free(self, calls):
        """By its last hang-up, by the sweeper, withdrawn: all are the one closing transaction."""
        limits = AcceptanceLimits(budget=replace(BUDGET, most=Used(seconds=600)))
        for number, reason in enumerate(EndReason):
            call = accept(calls, call_number(number), limits, slots=1)
            saved = calls.load(call.id)
            calls.save(change_of(saved, decide(replace(saved.call, ending=reason), EndNotReported(at(60)))))
        assert held(calls) == {}


class TestInMemory(Promises):
    @pytest.fixture
    def calls(self):
        return FakeCalls()

    def tamper(self, calls, delete, close):
        del calls.rows[delete]
        calls.rows[close] = replace(calls.rows[close], close_by=None)


class TestInDynamoDB(Promises):
    @pytest.fixture
    def tables(self, aws):
        return make_tables(aws("dynamodb"))

    @pytest.fixture
    def calls(self, tables):
        client, calls, accounts = tables
        return Store(client, calls, accounts)

    def tamper(self, calls, delete, close):
        client, table = calls.client, calls.calls_table
        client.delete_item(TableName=table, Key={"call": {"S": delete}, "item": {"S": "CALL"}})
        client.update_item(
            TableName=table,
            Key={"call": {"S": close}, "item": {"S": "CALL"}},
            UpdateExpression="REMOVE #open, close_by",
            ExpressionAttributeNames={"#open": "open"},
        )

    @pytest.mark.parametrize("aws", ["lab"], indirect=True)  # moto is not made for threads
    def test_many_at_once_exceed_no_ceiling_and_leave_nothing_of_it(self, calls):
        budget = replace(BUDGET, most=Used(calls=10), shards=4)

        def try_until_told(number: int) -> bool:
            while True:
                try:
                    accept(calls, call_number(number), AcceptanceLimits(budget=budget), slots=99)
                except DayCeilingReached:
                    return False
                except StoreBusy:
                    continue
                return True

        with ThreadPoolExecutor(8) as together:
            assert sum(together.map(try_until_told, range(16))) == 10

    def test_a_ceiling_costs_two_write_units_to_reserve_and_two_to_settle_and_none_if_there_is_none(self, tables):
        client, calls_table, accounts = tables
        store = Store(client, calls_table, accounts)
        sent: list[int] = []
        event = "provide-client-params.dynamodb.TransactWriteItems"
        client.meta.events.register(event, lambda params, **_: sent.append(len(params["TransactItems"])))
        for number, budget in enumerate((None, replace(BUDGET, most=Used(calls=99)))):
            sent.clear()
            end(store, accept(store, call_number(number), AcceptanceLimits(budget=budget)))
            assert sent == [3 + number, 4 + number]

    def test_counts_and_keys_go_by_themselves(self, calls, tables):
        client, _, accounts = tables
        accept(calls, call_number(0), AcceptanceLimits(2, CALLEE, KEY, budget=replace(BUDGET, most=Used(calls=9))))
        items = client.scan(TableName=accounts, ConsistentRead=True)["Items"]
        life = {item["pk"]["S"].split("#")[0]: int(item.get("expires_at", {}).get("N", 0)) for item in items}
        now = int(NOW.timestamp())
        assert {kind: life[kind] for kind in ("SLOTS", "ONCE", "COUNT", "DAY")} == {
            "SLOTS": 0,
            "ONCE": now + 24 * 3600,
            "COUNT": now + 48 * 3600,
            "DAY": now + 72 * 3600,
        }
