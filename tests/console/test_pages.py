"""The overview, and the pages of notifications, accounts, memories and the audit."""

import re
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.testclient import TestClient

from duologue.call_control.history import DeliveryState
from duologue.domain.access.accounts import App
from duologue.domain.access.audit import AuditEntry
from duologue.domain.accounting.usage import DayUsage
from duologue.domain.calls.outcome import EndReason
from duologue.domain.notifying.endpoint_health import Circuit, EndpointHealth
from duologue.operator.console import overview
from duologue.operator.console.chart import by_hour, shares
from duologue.operator.console.guard import TOKEN_FIELD
from duologue.operator.console.server import make_app
from tests.call_control.stories import TALKING
from tests.console.world import BASE, FAILED, NOT_ANSWERED, PORT, TALKED, TOKEN, World
from tests.telephone_numbers import telephone_numbers_in

PAGES = ("/", "/calls", "/undelivered", "/accounts", "/memories", "/audit", "/codes")


def figures(page):
    """Value and comparison by name."""
    found = re.findall(r"<strong>([^<]+)</strong> ([^<]+)<br><span[^>]*>([^<]*)</span>", page)
    return {name: (value, before) for value, name, before in found}


@pytest.fixture
def furnished(world):
    """Calls of today and of a week ago, one that is up, and one whose end the SP was not told of."""
    for minute in (5, 15, 25):
        world.place(*TALKED, age=timedelta(minutes=minute))
    world.place(*FAILED, age=timedelta(minutes=35))
    for minute in (0, 10):
        world.place(*NOT_ANSWERED, age=timedelta(days=7, minutes=minute))
    world.place(*TALKED, age=timedelta(days=7, hours=-8))
    world.place(*TALKING, age=timedelta(seconds=30))
    untold = world.place(*FAILED, age=timedelta(hours=1))
    world.fail(untold, len(world.calls.history(untold.id).facts) - 1)
    return untold


def test_the_overview_sets_today_beside_the_same_weekday_before(browser, furnished):
    found = figures(browser.get("/").text)
    assert found["not over yet"] == ("1", "of 20 allowed")
    assert found["calls ended today"] == ("5", "2 by now last Monday"), (
        "the third of that day had not ended at this hour"
    )
    assert found["answered by both"] == ("60 %", "0 % by now last Monday")
    assert found["talk"] == ("2 min 33 s", "51 s all of last Monday")
    assert found["undelivered"][0] == "1"


def test_the_overview_counts_endings_and_names_what_needs_a_look(browser, world, furnished):
    world.calls.health["app-1"] = EndpointHealth(
        {"https://sp.example.com": Circuit(6, world.clock.now() + timedelta(minutes=1))}, ("https://sp.example.com/x",)
    )
    page = browser.get("/").text
    endings = re.findall(r"<tr><td>([^<]+)</td>.*?<td class=\"figure\">(\d+)</td>", page)
    assert endings[:2] == [("talked, then hung up", "3"), ("the caller was not reached", "2")]
    for text, link in (
        ("sp-1: 1 undelivered, waiting or given up", "/undelivered#app-1"),
        ("sp-1: https://sp.example.com does not answer (6 failures in a row)", "/accounts#sp-1"),
        ("sp-1: a URL answered 410 and is switched off", "/accounts#sp-1"),
    ):
        assert f'<a href="{link}">{text}</a>' in page


def test_a_quiet_overview_says_so(browser):
    page = browser.get("/").text
    assert "Nothing waits, every server of an SP answers, and no limit is near." in page
    assert "No call was placed yet" in page


def test_the_overview_is_sent_again_when_it_has_changed(world):
    """What was read a moment ago is not read again for each look."""
    world.place(*FAILED)
    steps = [lambda: world.place(*TALKING, age=timedelta(seconds=4)), lambda: world.clock.advance(20)]

    async def wait():
        steps.pop(0)()

    async def looks():
        stream = overview.live(world.pages, Request({"type": "http"})).body_iterator  # type: ignore[attr-defined]
        return [await anext(stream) for _ in range(3)]

    world.wait = wait
    first, second, third = anyio.run(looks)
    assert figures(first)["not over yet"][0] == "0"
    assert second == ": nothing new\n\n"
    assert figures(third)["not over yet"][0] == "1"


class TestChart:
    TODAY = DayUsage(calls=30, calls_by_hour={9: 20, 10: 10}, talked_by_hour={9: 15})

    def test_every_hour_has_its_column_and_heights_are_parts_of_the_most(self):
        chart = by_hour(self.TODAY, DayUsage(calls_by_hour={9: 10}), "last Monday")
        assert (len(chart.hours), chart.most) == (24, 20)
        nine = chart.hours[9]
        assert (nine.talked, nine.other, nine.before) == (75, 25, 50)
        assert nine.title == "9:00 to 10:00 UTC: 20 calls, 15 talked; last Monday 10"
        assert all(each.left >= 0 and each.left + each.width <= 100 for each in chart.hours)

    def test_nothing_is_drawn_of_nothing(self):
        chart = by_hour(DayUsage(), DayUsage(), "then")
        assert {(each.talked, each.other, each.before) for each in chart.hours} == {(0, 0, 0)}
        assert shares({"a": 0}) == []

    def test_shares_are_of_the_greatest(self):
        assert shares({"a": 1, "b": 4, "c": 2}) == [("b", 4, 100), ("c", 2, 50), ("a", 1, 25)]


def test_what_is_undelivered_is_listed_with_its_reason_and_sent_again_at_once(browser, world, furnished):
    waits = world.place(*FAILED, age=timedelta(hours=2))
    number = len(world.calls.history(waits.id).facts) - 1
    world.fail(waits, number, tries=2, waits=True)
    page = browser.get("/undelivered").text
    assert re.findall("next attempt: </span>([^<]+)<", page) == ["in 10 min", "none"]
    assert ('<button class="quiet">Cancel</button>' in page, "Drop" in page) == (True, False)
    assert re.findall(r'href="/calls/(\w+)#n\d+"', page) == [waits.id, furnished.id], "the oldest first"
    assert "HTTP 503, 2 attempts" in page
    answer = browser.send_form("/undelivered/send-again", app="app-1")
    assert "It is sent again within a minute." in answer.text
    assert world.calls.deliveries[waits.id, number].due == world.clock.now()
    assert [(entry.kind, entry.app) for entry in world.audit.entries] == [("console retry-now", "app-1")]


def test_one_is_dropped_from_the_list_of_undelivered(browser, world, furnished):
    number = len(world.calls.history(furnished.id).facts) - 1
    form = {"sequence": str(number), "back": "undelivered"}
    answer = browser.send_form(f"/calls/{furnished.id}/cancel", **form)
    assert answer.url.path == "/undelivered"
    assert world.calls.deliveries[furnished.id, number].state is DeliveryState.CANCELLED
    world.clock.advance(11)
    assert "Everything was delivered" in browser.get("/undelivered").text


def test_an_app_that_is_not_there_sends_nothing_again(browser, world):
    assert browser.send_form("/undelivered/send-again", app="gone").status_code == 404
    assert world.audit.entries == []


def test_sps_are_shown_with_their_apps_limits_in_use_and_the_health_of_their_servers(browser, world, furnished):
    world.calls.slots["app-1"] = {"a call"}
    world.accounts.apps["app-1"] = replace(
        world.accounts.apps["app-1"],
        calls_per_day=6,
        concurrent_return_calls=2,
        status_url="https://jack:pw@sp.example.com/status",
    )
    world.calls.health["app-1"] = EndpointHealth({"https://sp.example.com": Circuit(2)})
    world.accounts.set_sp_active("acme", active=False)
    page = browser.get("/accounts").text
    assert 'id="acme"' in page
    assert "✕ suspended" in page
    assert "1 of 10" in page
    assert page.count("calls at once (2 return calls at most)") == 1, "of the app that has this limit"
    assert "5 of 6" in page
    assert "2 failures in a row" in page
    assert "https://sp.example.com/status" in page
    assert "jack:pw" not in page
    assert "secret-" not in page


def test_an_app_that_was_added_just_now_is_there_with_its_first_call(browser, world):
    """Although the list of apps may be a minute old."""
    browser.get("/accounts")
    world.accounts.add_app(App("app-9", "acme", "secret", display_numbers=()))
    assert "app-9" not in browser.get("/accounts").text
    world.place(*FAILED, app="app-9", sp="acme")
    world.clock.advance(11)
    assert "app-9" in browser.get("/accounts").text


def test_the_first_app_is_there_at_once(browser, world):
    apps = dict(world.accounts.apps)
    world.accounts.apps.clear()
    assert "There is no app yet" in browser.get("/accounts").text
    world.accounts.apps |= apps
    world.clock.advance(11)
    assert "app-1" in browser.get("/accounts").text


def test_an_account_that_was_removed_meanwhile_is_no_error(browser, world):
    world.desk.apps()
    del world.accounts.apps["app-1"], world.accounts.sps["acme"]
    page = browser.get("/accounts").text
    assert 'id="sp-1"' not in page
    assert re.search(r'id="acme">\s*<h2>acme\s+<span class="soft">was removed', page)


def test_limits_that_are_nearly_used_up_are_pointed_at(browser, world, furnished):
    world.accounts.apps["app-1"] = replace(world.accounts.apps["app-1"], calls_per_day=6)
    assert '<a href="/accounts#sp-1">sp-1: 5 of 6 calls today</a>' in browser.get("/").text


class TestMemories:
    @pytest.fixture
    def call(self, world):
        call = world.place(*TALKED, **world.remember())
        world.keep_memory(call)
        return call

    def test_who_would_be_rung_is_listed_masked_and_by_display_number(self, browser, call):
        page = browser.get("/memories", params={"display": "+12025550101"}).text
        row = page[page.index("<tbody>") :]
        assert "••• 0122" in row
        assert "••• 0111" in row
        assert f'href="/calls/{call.id}"' in row
        assert telephone_numbers_in([row]) == []
        assert "Nobody is remembered at +12025550100" in browser.get("/memories?display=%2B12025550100").text

    def test_who_would_not_be_rung_has_the_reason(self, browser, world, call):
        world.accounts.apps["app-1"] = replace(world.accounts.apps["app-1"], call_memory=False)
        assert "nobody: memory off" in browser.get("/memories", params={"display": "+12025550101"}).text

    def test_one_that_was_changed_outside_the_product_says_so(self, browser, world, call):
        [(key, memory)] = world.calls.memories.rows.items()
        world.calls.memories.rows[key] = replace(memory, sealed=b"another")
        page = browser.get("/memories", params={"display": "+12025550101"}).text
        assert "unreadable" in page
        assert "the item was changed; it holds another pair" in page

    def test_what_is_no_number_is_refused(self, browser):
        assert browser.get("/memories?display=x").status_code == 400


def test_the_audit_is_shown_newest_first_and_filtered(browser, world):
    call = world.place(*FAILED)
    browser.send_form(f"/calls/{call.id}/number", party="caller")
    world.clock.advance(5)
    world.audit.add(AuditEntry(world.clock.now(), "app suspend", "olga", "app-2"))
    page = browser.get("/audit").text
    assert re.findall("<td><strong>([^<]+)</strong>", page) == ["app suspend", "console number"]
    assert f'href="/calls/{call.id}"' in page
    assert "app suspend" not in browser.get(f"/audit?call={call.id}@duologue.example.com").text
    assert "console number" not in browser.get("/audit?kind=app+").text
    assert "Nothing in 30 days" in browser.get("/audit?app=gone").text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_no_script_and_no_style_of_its_own_and_no_whole_number(browser, world, furnished, path):
    page = browser.get(path).text
    assert not re.search(r"<script(?! src=\"/static/)|<style| style=| on\w+=\"", page)
    assert page.count("<h1") == 1
    for number in {number for app in world.desk.apps() for number in app.numbers}:
        page = page.replace(number, "")
    assert telephone_numbers_in([page]) == []


def test_the_cost_of_a_call_is_shown_by_leg(browser, world):
    call = world.place(*TALKED, rates=(4_000, 10_000))
    page = browser.get(f"/calls/{call.id}").text
    assert "0.0140 USD" in page
    assert "caller: 1 min" in page
    assert "at 0.004 a minute" in page
    assert EndReason.HUNG_UP.value not in page


TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["0001-01-01T00:00", "9999-12-31T23:59", "2026-02-30T09:00", "2026-11-23T09:00+14:00", "1e3", "²"]),
)
FIELDS = "text app result time at is_open after display kind call said".split()


@settings(max_examples=100)
@example(path="/calls", query={"at": "0001-01-01T00:00"})
@example(path="/calls", query={"at": "9999-12-31T23:59"})
@given(path=st.sampled_from(PAGES), query=st.dictionaries(st.sampled_from(FIELDS), TEXTS, max_size=4))
def test_whatever_stands_in_the_address_is_answered(path, query):
    """A mistake in the address is the reader's: never an error of the server."""
    client = TestClient(make_app(World().pages, PORT), base_url=BASE)
    assert client.get(path, params=query, follow_redirects=False).status_code in (200, 303, 400, 404)


@settings(max_examples=60)
@given(action=st.sampled_from(["number", "stop", "send-again", "cancel"]), party=TEXTS, sequence=TEXTS, back=TEXTS)
def test_whatever_a_form_says_is_answered(action, party, sequence, back):
    world = World()
    call = world.place(*FAILED)
    client = TestClient(make_app(world.pages, PORT), base_url=BASE)
    form = {TOKEN_FIELD: TOKEN, "party": party, "sequence": sequence, "back": back}
    assert client.post(f"/calls/{call.id}/{action}", data=form, follow_redirects=False).status_code in (
        200,
        303,
        400,
        404,
    )
