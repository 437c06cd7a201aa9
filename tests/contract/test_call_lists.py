"""The lists of calls, and what is counted, in memory, in moto's DynamoDB and in the local cloud's."""

import base64
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import chain, pairwise
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from duologue.adapters.accounting import dynamo_call_lists
from duologue.adapters.accounting.dynamo_call_lists import DynamoCallLists, DynamoUsages
from duologue.adapters.accounting.dynamo_listing import USAGE_KEPT, DynamoListing
from duologue.adapters.accounting.sealed_cursors import SealedCursors
from duologue.adapters.basics.aws import from_item
from duologue.adapters.basics.kms_data_keys import Seal
from duologue.adapters.calls.dynamo_calls import key_of
from duologue.adapters.rows.call_rows import ASKED
from duologue.call_control.events import EndNotReported
from duologue.call_control.machine import decide
from duologue.domain.access.accounts import App
from duologue.domain.accounting.call_filter import CallFilter
from duologue.domain.accounting.usage import DayUsage
from duologue.domain.calls.outcome import EndReason
from duologue.domain.errors import InvalidField, OutsideUnavailable
from duologue.domain.numbers.phone_number import WITHHELD, PhoneNumber
from duologue.usecases.accounting.list_own_calls import ListOwnCalls
from duologue.usecases.calls.process_network_event import change_of
from duologue.usecases.ports.call_lists import CallPage, CallsWanted
from tests.call_control.stories import CALLEE_LEFT, CALLER_LEFT, TALKING
from tests.fakes.call_lists import FakeCallLists
from tests.fakes.calls import FakeCalls
from tests.fakes.seals import ROWS, FakeDataKeys
from tests.journeys.tables import make_lists, make_tables
from tests.samples import NOW, SHOWN_TO_CALLEE, SHOWN_TO_CALLER, at, callback, return_call
from tests.store import Store

ANNA, BEN, CARLA = (PhoneNumber(f"+1202555{end}") for end in ("0111", "0122", "0133"))
DAY = NOW.date()


class Counting:
    """A client that counts the requests to the store."""

    def __init__(self, client):
        self._client = client
        self.requests: Counter[str] = Counter()

    def __getattr__(self, name):
        def counted(**parameters):
            self.requests[name] += 1
            return getattr(self._client, name)(**parameters)

        return counted if name in {"query", "batch_get_item", "scan", "get_item"} else getattr(self._client, name)


class Failing:
    """A client whose `number`-th write request has its effect, and no answer."""

    def __init__(self, client, number):
        self._client, self.left = client, number

    def __getattr__(self, name):
        def sent(**parameters):
            answer = getattr(self._client, name)(**parameters)
            self.left -= 1
            if self.left == 0:
                raise EndpointConnectionError(endpoint_url="https://dynamodb.example.com")
            return answer

        return sent


class World:
    """A store of calls, its lists, and the readers of both."""

    def __init__(self, calls, listing, lists, usages, counting=None):
        self.calls, self.listing, self.lists, self.usages, self.counting = calls, listing, lists, usages, counting

    def accept(self, call_id, *, minute=0, app="app-1", caller=ANNA, callee=BEN, make=callback):
        call = replace(make(), id=f"1_1_{call_id}_20261123090000")
        call = replace(call, app=app, accepted_at=at(60 * minute), rates=(10_000, 20_000))
        call = replace(call, caller=replace(call.caller, number=caller), callee=replace(call.callee, number=callee))
        self.calls.accept(call, slots=1000, close_by=at(7200))
        return call.id

    def end(self, call_id, *events):
        for event in events:
            saved = self.calls.load(call_id)
            self.calls.save(change_of(saved, decide(saved.call, event)))
        saved = self.calls.load(call_id)
        if saved.call.ended_at is None:
            self.calls.save(change_of(saved, decide(saved.call, EndNotReported(at(60)))))

    def talk(self, call_id):
        self.end(call_id, *TALKING, CALLER_LEFT, replace(CALLEE_LEFT, at=at(61)))

    def found(self, limit=100, after="", **wanted):
        page = self.lists.page(CallsWanted(**wanted), limit, after)
        return [call.id.split("_")[2] for call in page.calls]

    def pages(self, limit, **wanted):
        after: str | None = ""
        pages = []
        while after is not None:
            page = self.lists.page(CallsWanted(**wanted), limit, after)
            pages.append([call.id.split("_")[2] for call in page.calls])
            after = page.after
        return pages


def on_dynamo(client):
    store = Store(*make_tables(client))
    lists = make_lists(client)
    counting: Any = Counting(client)
    return World(
        store,
        DynamoListing(client, store.calls_table, lists),
        DynamoCallLists(counting, store.calls_table, lists, ROWS),
        DynamoUsages(client, lists),
        counting,
    )


class Promises:
    def test_calls_are_found_by_what_people_search_for(self, world):
        ids = [
            world.accept("a", minute=0),
            world.accept("b", minute=1, callee=CARLA),
            world.accept("c", minute=2, app="app-2", caller=CARLA),
            world.accept("d", minute=3, caller=WITHHELD, make=return_call),
        ]
        world.listing.add(ids)
        assert world.found() == ["d", "c", "b", "a"]
        assert world.found(app_keys=frozenset({"app-1"})) == ["d", "b", "a"]
        assert world.found(app_keys=frozenset({"app-1", "app-2"})) == ["d", "c", "b", "a"]
        assert world.found(app_keys=frozenset({f"app-{number}" for number in range(2, 20)})) == ["c"]
        assert world.found(app_keys=frozenset()) == []
        assert world.found(number=CARLA) == ["c", "b"]
        assert world.found(number=PhoneNumber("+12025550199")) == []
        assert world.found(last_digits="0111") == ["b", "a"]
        assert world.found(last_digits="0122", app_keys=frozenset({"app-2"})) == ["c"]
        assert world.found(display_number=SHOWN_TO_CALLER.e164) == ["c", "b", "a"]
        assert world.found(display_number=SHOWN_TO_CALLEE.e164) == ["d", "c", "b", "a"]
        assert world.found(display_number="+12025550199") == []
        assert world.found(since=at(60), until=at(120)) == ["b"]
        assert world.found(number=ANNA, since=at(60), until=at(120)) == ["b"]

    def test_calls_are_found_by_how_they_ended(self, world):
        talked, failed, still_open = (world.accept(name, minute=n) for n, name in enumerate("tfo"))
        world.listing.add([talked, failed, still_open])
        world.talk(talked)
        world.end(failed)
        for _ in range(2):  # also before the lists say so
            assert world.found(open_only=True) == ["o"]
            assert world.found(talked=True) == ["t"]
            assert world.found(talked=False) == ["o", "f"]
            assert world.found(ends=frozenset({EndReason.HUNG_UP, EndReason.STOPPED})) == ["t"]
            assert world.found(ends=frozenset({EndReason.HUNG_UP}), app_keys=frozenset({"app-1"})) == ["t"]
            assert world.found(ends=frozenset({EndReason.HUNG_UP}), number=ANNA) == ["t"]
            world.listing.end([talked, failed, still_open])

    @pytest.mark.parametrize(
        "wanted",
        [
            {},
            {"app_keys": frozenset({"app-1"})},
            {"app_keys": frozenset({"app-1", "app-2"})},
            {"number": ANNA},
            {"last_digits": "0122"},
            {"talked": False},
            {"talked": False, "number": BEN},
            {"app_keys": frozenset({"app-1"}), "display_number": SHOWN_TO_CALLER.e164},
        ],
    )
    def test_pages_together_have_each_call_once(self, world, wanted):
        ids = [world.accept(f"{n:02d}", minute=n // 2, app="app-2" if n % 3 else "app-1") for n in range(7)]
        ids += [world.accept(f"{n:02d}", minute=n // 2) for n in range(7, 13)]
        world.listing.add(ids)
        pages = world.pages(3, **wanted)
        whole = world.found(**wanted)
        assert list(chain.from_iterable(pages)) == whole
        assert len(whole) == (9 if wanted.get("app_keys") == frozenset({"app-1"}) else 13)
        assert all(len(page) <= 3 for page in pages)
        times = [int(each) // 2 for each in whole]
        assert all(newer >= older for newer, older in pairwise(times))

    @pytest.mark.parametrize("wanted", [{}, {"number": ANNA}])
    def test_a_cursor_of_another_list_is_refused(self, world, wanted):
        with pytest.raises(InvalidField, match="cursor"):
            world.found(after="nonsense", **wanted)

    @pytest.mark.parametrize("filters", [CallFilter(), CallFilter(number=ANNA), CallFilter(open_only=True)])
    def test_an_sp_gets_its_own_calls_and_nothing_of_others(self, world, filters):
        """However many others telephone the same person; and its cursors say nothing, and are good for nobody else."""
        others = [world.accept(f"x{number}", minute=number, app="app-2") for number in range(2, 107)]
        mine = [world.accept("a", minute=0), world.accept("b", minute=1), world.accept("c", minute=200)]
        world.listing.add([*others, *mine])
        list_calls = ListOwnCalls(world.lists, SealedCursors(Seal(FakeDataKeys())))
        own, other = (App(key, "sp-1", "secret-1", display_numbers=()) for key in ("app-1", "app-3"))
        pages = [list_calls(own, filters, 2)]
        while (cursor := pages[-1].after) is not None:
            assert b"1_1_" not in base64.urlsafe_b64decode(cursor + "==")
            with pytest.raises(InvalidField):
                list_calls(other, filters, 2, cursor)
            pages.append(list_calls(own, filters, 2, cursor))
        assert [call.id for page in pages for call in page.calls] == [*reversed(mine)]
        assert list_calls(other, filters, 100) == CallPage((), None)

    def test_each_call_is_counted_once_for_its_app_and_day(self, world):
        """However often it is reported; an open call is not."""
        talked, failed, other, still_open = (
            world.accept(name, app=app)
            for name, app in (("t", "app-1"), ("f", "app-1"), ("x", "app-2"), ("o", "app-1"))
        )
        world.talk(talked)
        world.end(failed)
        world.end(other)
        for _ in range(2):
            world.listing.add([talked, failed, other, still_open])
            world.listing.end([talked, failed, other, still_open])
            world.listing.repair(world.calls.load(each).call for each in (talked, failed, other))
        hour = at(60).hour
        ends = {EndReason.HUNG_UP: 1, world.calls.load(failed).call.ending: 1}
        of_one = DayUsage(2, 1, 51, 30_000, ends, {hour: 2}, {hour: 1})
        assert world.usages.of_day(DAY) == {"app-1": of_one, "app-2": world.usages.of_day(DAY)["app-2"]}
        before = DAY - timedelta(days=1)
        assert world.usages.of_apps({"app-1", "app-3"}, [before, DAY]) == {("app-1", DAY): of_one}
        assert world.usages.of_day(before) == {}
        assert world.usages.of_apps([], [DAY]) == {}

    def test_what_the_stream_missed_is_repaired(self, world):
        call_id = world.accept("a")
        world.talk(call_id)
        world.listing.repair([world.calls.load(call_id).call, callback("1_1_deleted_20261123090000")])
        assert (world.found(), world.found(last_digits="0111"), world.found(open_only=True)) == (["a"], ["a"], [])
        assert world.usages.of_day(DAY)["app-1"].calls == 1

    def test_a_call_that_ended_before_it_was_listed_is_not_listed_as_open(self, world):
        call_id = world.accept("a")
        world.talk(call_id)
        world.listing.end([call_id])
        world.listing.add([call_id])
        assert (world.found(), world.found(talked=True), world.found(open_only=True)) == (["a"], ["a"], [])

    def test_a_call_that_is_removed_is_in_no_list(self, world):
        call_id = world.accept("a")
        world.listing.add([call_id])
        world.listing.remove(call_id)
        assert (world.found(), world.found(last_digits="0111"), world.found(open_only=True)) == ([], [], [])


class TestInMemory(Promises):
    @pytest.fixture
    def world(self):
        calls = FakeCalls()
        lists = FakeCallLists(calls)
        return World(calls, lists, lists, lists)


class TestInDynamoDB(Promises):
    @pytest.fixture
    def world(self, aws):
        return on_dynamo(aws("dynamodb"))

    def test_a_page_takes_at_most_three_requests_and_no_scan(self, world):
        """Whatever is searched, and with however many calls that do not fit."""
        world.listing.add([world.accept(f"{n:03d}", minute=n) for n in range(120)])
        for wanted in ({}, {"number": ANNA}, {"last_digits": "0122"}, {"open_only": True}, {"talked": True}):
            world.counting.requests.clear()
            world.found(limit=100, **wanted)
            assert sum(world.counting.requests.values()) <= 3, wanted
            assert not world.counting.requests["scan"]

    def test_entries_go_with_their_calls_and_usage_later(self, world):
        """Without `expires_at` an item would stay for ever."""
        call_id = world.accept("a")
        world.listing.add([call_id])
        world.talk(call_id)
        ended_at = world.calls.load(call_id).call.ended_at
        world.listing.end([call_id])
        client, calls, lists = world.listing._client, world.listing._calls, world.listing._lists
        asked = from_item(client.get_item(TableName=calls, Key=key_of(call_id, ASKED))["Item"])
        items = [from_item(item) for item in client.scan(TableName=lists)["Items"]]
        expires = {item["pk"].partition("#")[0]: item["expires_at"] for item in items}
        assert expires.pop("usage") == int((ended_at + USAGE_KEPT).timestamp())
        assert set(expires.values()) == {asked["expires_at"]}

    @pytest.mark.parametrize("repeat", ["end", "repair"])
    def test_whatever_request_fails_the_repeat_puts_all_right(self, world, repeat):
        """Also the answer that is lost after its effect."""
        for number in range(1, 30):
            ids = [world.accept(f"{repeat}{number}x{each}", minute=number) for each in range(3)]
            world.listing.add(ids)
            for call_id in ids[:2]:
                world.talk(call_id)
            failing: Any = Failing(world.listing._client, number)
            before = world.usages.of_day(DAY).get("app-1", DayUsage())
            with suppress(OutsideUnavailable):
                DynamoListing(failing, world.listing._calls, world.listing._lists).end(ids)
            if repeat == "end":
                world.listing.end(ids)
            else:
                world.listing.repair(world.calls.load(each).call for each in ids[:2])
            after = world.usages.of_day(DAY)["app-1"]
            assert (after.calls - before.calls, after.talked - before.talked) == (2, 2)
            assert len(world.found(open_only=True)) == number
            times = {"since": at(60 * number), "until": at(60 * number + 1)}
            assert len(world.found(talked=True, **times)) == 2
            if failing.left > 0:
                return
        pytest.fail("it never came to an end")

    def test_an_addition_that_read_the_call_before_its_end_does_not_undo_it(self, world, monkeypatch):
        call_id = world.accept("a")
        read, listing = DynamoListing._read, world.listing

        def read_and_then(calls):
            found = read(listing, calls)
            monkeypatch.undo()
            world.talk(call_id)
            listing.end([call_id])
            return found

        monkeypatch.setattr(listing, "_read", read_and_then)
        listing.add([call_id])
        listing.end([call_id])
        assert world.usages.of_day(DAY)["app-1"].calls == 1

    def test_a_list_that_was_not_read_so_far_holds_back_the_others(self, world, monkeypatch):
        """Filtered, a query may end early: what another list has beyond that belongs to a later page."""
        monkeypatch.setattr(dynamo_call_lists, "_LOOKED_AT", 2)
        ids = [world.accept(f"{n:02d}", minute=n, app="app-1" if n % 3 else "app-2") for n in range(12)]
        world.listing.add(ids)
        for call_id in ids:
            (world.talk if call_id in ids[::4] else world.end)(call_id)
        world.listing.end(ids)
        pages = world.pages(10, app_keys=frozenset({"app-1", "app-2"}), talked=True)
        assert list(chain.from_iterable(pages)) == ["08", "04", "00"]

    def test_a_call_that_cannot_be_read_is_left_out_and_ends_no_page(self, world):
        ids = [world.accept(name, minute=number) for number, name in enumerate("abc")]
        world.listing.add(ids)
        key = {"call": {"S": ids[1]}, "item": {"S": "ASKED"}}
        change = {"Key": key, "UpdateExpression": "SET sealed = :other"}
        client, table = world.listing._client, world.listing._calls
        client.update_item(
            TableName=table, **change, ExpressionAttributeValues={":other": {"B": b"damaged, and so not opened"}}
        )
        assert (world.found(), world.found(limit=1), world.pages(1)) == (["c", "a"], ["c"], [["c"], [], ["a"]])

    def test_the_lists_do_not_say_who_telephoned(self, world):
        world.listing.add([world.accept("a")])
        assert "0111" not in str(world.counting.scan(TableName=world.lists._lists)["Items"])
