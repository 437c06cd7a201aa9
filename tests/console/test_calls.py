"""The list of calls: what is found by what people type, and what is seen of it."""

import re
from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from duologue.domain.access.accounts import App
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.outcome import EndReason
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.operator.console.search import NotSearchable, Search, call_id_in, wanted
from duologue.usecases.ports.call_lists import CallsWanted
from tests.call_control.stories import TALKING
from tests.console.world import FAILED, TALKED, numbered
from tests.samples import NOW, callback
from tests.telephone_numbers import telephone_numbers_in

CALL = "1_2_3_20261123090000"
URL = "https://sp.example.com/fee"
NUMBER = CallsWanted(number=PhoneNumber("+12025550111"))
TYPED = {
    "": CallsWanted(),
    "+1 202 555 0111": NUMBER,
    "+1 (202) 555-0111": NUMBER,
    "2025550111": NUMBER,
    "202.555.0111": NUMBER,
    "12025550111": NUMBER,
    "0012025550111": NUMBER,
    "0111": CallsWanted(last_digits="0111"),
    "+1 202 555 0100": CallsWanted(display_number="+12025550100"),
    "2025550100": CallsWanted(display_number="+12025550100"),
}


@pytest.mark.parametrize("text", TYPED)
def test_numbers_are_found_as_people_write_them(text):
    assert wanted(Search(text), NOW, UTC, {"+12025550100"}) == TYPED[text]


@pytest.mark.parametrize("text", ["Sophia", "12", "+", "555 0111 x", "٠١١١", "1" * 20])
def test_what_is_no_number_says_what_can_be_typed(browser, text):
    with pytest.raises(NotSearchable):
        wanted(Search(text), NOW, UTC, set())
    answer = browser.get("/calls", params={"text": text})
    assert answer.status_code == 400
    assert "its last four digits as 0111" in answer.text


@pytest.mark.parametrize(
    "text", [CALL, f" {CALL}@duologue.example.com ", f"{CALL}-3"], ids=["call", "session", "notification"]
)
def test_an_id_leads_to_its_call(browser, text):
    assert call_id_in(text) == CALL
    answer = browser.get("/calls", params={"text": text}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/calls/{CALL}")


FILTERS = {
    "app": (Search(app="app-2"), CallsWanted(app_keys=frozenset({"app-2"}))),
    "talked": (Search(result="talked"), CallsWanted(talked=True)),
    "failed": (Search(result="failed"), CallsWanted(talked=False)),
    "reason": (Search(result="caller_left"), CallsWanted(ends=frozenset({EndReason.CALLER_LEFT}))),
    "hour": (Search(time="1h"), CallsWanted(since=NOW - timedelta(hours=1))),
    "open": (Search(is_open=True), CallsWanted(open_only=True)),
    "around": (
        Search(at="2026-11-23T09:00"),
        CallsWanted(since=NOW - timedelta(minutes=30), until=NOW + timedelta(minutes=30)),
    ),
}


@pytest.mark.parametrize(("search", "expected"), FILTERS.values(), ids=FILTERS)
def test_filters_are_handed_to_the_list(search, expected):
    assert wanted(search, NOW, UTC, set()) == expected


def test_calls_are_listed_newest_first_with_result_and_talk_and_masked_numbers(browser, world):
    world.place(*FAILED, age=timedelta(minutes=30))
    world.place(*TALKED, age=timedelta(minutes=20))
    world.place(*TALKING, age=timedelta(seconds=30))
    page = browser.get("/calls").text
    results = re.findall(r'class="badge (\w+)"><span class="shape" aria-hidden="true">(.)</span>([^<]+)<', page)
    told = ("talks", "●", "told")
    of_calls = [("talks", "●", "talking"), ("talks", "●", "talked"), ("failed", "✕", "caller busy")]
    assert results == [of_calls[0], of_calls[1], told, of_calls[2], told]
    assert re.findall(r'<td class="figure">([^<]*)<', page)[:2] == ["21 s", "51 s"]
    assert page.count(">••• 0111</button>") == 3
    assert telephone_numbers_in([page]) == []


def test_each_call_says_whether_its_sp_was_told_of_the_end(browser, world):
    """By the end and the CDR: the worse of them."""
    cdr_fails, end_waits, dropped, unattempted, one_url, no_url = (
        world.place(*FAILED, age=timedelta(minutes=minute), told=minute != 3, **notify)
        for minute, notify in enumerate([{}] * 4 + [{"notify": NotifyTo(fee_url=URL)}, {"notify": NotifyTo()}])
    )
    up = world.place(*TALKING, age=timedelta(minutes=10))
    world.fail(cdr_fails, cdr_fails.facts)
    world.fail(end_waits, end_waits.facts - 1, waits=True)
    world.fail(dropped, dropped.facts)
    world.desk.notifications.cancel(*world.desk.notifications.of_call(dropped.id, dropped.facts))
    page = browser.get("/calls").text
    rows = dict(re.findall(r'href="/calls/(\w+)" data-row.*?<td class="is-told">(.*?)</td>', page, re.DOTALL))
    said = {call_id: re.sub("<[^>]+>", "", cell) for call_id, cell in rows.items()}
    assert said == {
        cdr_fails.id: "✕not told",
        end_waits.id: "○waits",
        dropped.id: "✕not told",
        unattempted.id: "○waits",
        one_url.id: "●told",
        no_url.id: "–",
        up.id: "–",
    }


def test_older_calls_follow_page_by_page(browser, world):
    for minute in range(60):
        world.place(*FAILED, age=timedelta(minutes=minute))
    page, seen = browser.get("/calls?result=failed").text, []
    while True:
        seen += re.findall(r'href="/calls/(\w+)" data-row', page)
        older = re.search(r'href="(/calls\?[^"]*after=[^"]*)" rel="next"', page)
        if older is None:
            break
        assert "result=failed" in older[1]
        page = browser.get(older[1].replace("&amp;", "&")).text
    assert len(seen) == len(set(seen)) == 60
    assert [world.calls.rows[each].call.accepted_at for each in seen] == sorted(
        (row.call.accepted_at for row in world.calls.rows.values()), reverse=True
    )


def test_calls_of_an_sp_are_those_of_all_its_apps(browser, world):
    world.accounts.add_app(App("app-3", "acme", "secret", display_numbers=()))
    of_acme = [world.place(*FAILED, app=app, sp="acme").id for app in ("app-2", "app-3")]
    own = world.place(*FAILED).id

    def listed(choice):
        return set(re.findall(r'href="/calls/(\w+)" data-row', browser.get("/calls", params={"app": choice}).text))

    assert listed("sp:acme") == set(of_acme)
    assert listed("app-3") == {of_acme[1]}
    assert listed("sp:sp-1") == listed("app-1") == {own}
    page = browser.get("/calls?app=sp:acme").text
    assert re.findall(r'<option value="(s?p?:?a[\w:-]+|sp:[\w-]+)"( selected)?>', page) == [
        *(("sp:acme", " selected"), ("app-2", ""), ("app-3", "")),
        ("sp:sp-1", ""),
    ]


def test_a_call_is_found_among_others_by_the_last_digits(browser, world):
    found = world.place(*FAILED, caller=replace(callback().caller, number=numbered(187)))
    world.place(*FAILED)
    page = browser.get("/calls?text=0187").text
    assert re.findall(r'href="/calls/(\w+)" data-row', page) == [found.id]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/calls", "No call was placed yet"),
        ("/calls?text=0111", "No call fits"),
        ("/calls?after=nonsense", "is not one of this list"),
        ("/calls?at=noon", "The time must have a date"),
        ("/nothing", "There is no such page"),
        ("/calls/9_9_9_20261123090000", "There is no such thing"),
    ],
)
def test_what_is_empty_or_wrong_says_so(browser, path, says):
    assert says in browser.get(path).text


def test_a_store_that_does_not_answer_is_a_page_of_its_own(browser, world):
    world.calls.out_of_reach = True
    answer = browser.get(f"/calls/{world.id(timedelta(0))}")
    assert answer.status_code == 503
    assert "The platform did not answer" in answer.text
