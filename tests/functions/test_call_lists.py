"""An SP lists its app's calls and reads what it used; nothing of another SP is in an answer."""

from dataclasses import replace
from datetime import timedelta

import jsonschema_rs
import pytest
import yaml

from duologue.domain.accounting.usage import DayUsage
from duologue.domain.calls.outcome import EndReason
from duologue.domain.numbers.phone_number import PhoneNumber
from tests.docs.test_openapi import resolved
from tests.functions.worlds import Api, sample
from tests.samples import NOW, at, callback
from tools.openapi.document import PAGE

LISTED, USED = sample("callback_api", "callbacks_listed"), sample("callback_api", "usage_fetched")
TODAY = NOW.date()


def asking(event, **query):
    return event | {"queryStringParameters": event["queryStringParameters"] | query}


def fits(schema, body):
    document = yaml.safe_load(PAGE.read_text(encoding="utf-8"))
    jsonschema_rs.validate(resolved(document, document["components"]["schemas"][schema]), body)


@pytest.fixture
def api():
    """Call 1 was talked, 2 was not, 3 is up; 9 is another SP's, with the same people."""
    api = Api()
    for number, app, ending in (
        (1, api.key, EndReason.HUNG_UP),
        (2, api.key, EndReason.CALLEE_FAILED),
        (3, api.key, None),
        (9, "another", EndReason.HUNG_UP),
    ):
        call = replace(callback(f"1_2_{number}_20261123090000", app), accepted_at=at(60 * number))
        if ending is not None:
            call = replace(call, ending=ending, ended_at=at(60 * number + 30))
        if ending is EndReason.HUNG_UP:
            answered = at(60 * number + 5)
            legs = (replace(leg, answered_at=answered) for leg in (call.caller, call.callee))
            call = replace(call, caller=next(legs), callee=next(legs))
        if number == 2:
            call = replace(call, callee=replace(call.callee, number=PhoneNumber("+12025550133")))
        api.calls.accept(call, slots=10, close_by=at(9999))
        api.call_lists.listed.add(call.id)
    return api


def numbers(body):
    return [each["sessionId"].split("_")[2] for each in body["callbacks"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["3", "2", "1"]),
        ({"result": "talked"}, ["1"]),
        ({"result": "failed"}, ["2"]),
        ({"result": "callee_failed"}, ["2"]),
        ({"result": "stopped"}, []),
        ({"open": "true"}, ["3"]),
        ({"open": "false"}, ["3", "2", "1"]),
        ({"number": "+12025550133"}, ["2"]),
        ({"number": " 12025550111"}, ["3", "2", "1"]),
        ({"number": "+12025550111", "result": "talked"}, ["1"]),
        ({"from": "2026-11-23T09:02:00Z"}, ["3", "2"]),
        ({"to": "2026-11-23T10:02:00+01:00"}, ["1"]),
    ],
)
def test_an_app_lists_its_own_calls_newest_first(api, query, found):
    status, body = api.say(asking(LISTED, **query))
    assert (status, numbers(body)) == (200, found)
    assert "cursor" not in body
    fits("Callbacks", body)


def test_pages_of_calls(api):
    first = api.say(asking(LISTED, limit="2"))[1]
    assert numbers(first) == ["3", "2"]
    last = api.say(asking(LISTED, limit="2", cursor=first["cursor"]))[1]
    assert (numbers(last), "cursor" in last) == (["1"], False)


def test_what_is_listed_of_a_call(api):
    [call] = api.say(asking(LISTED, result="talked"))[1]["callbacks"]
    assert call["phase"] == "over"
    assert (call["ending"], call["userData"]) == ({"reason": "hung_up"}, "order-17")
    assert call["caller"]["number"] == "+12025550111"


@pytest.mark.parametrize(
    ("event", "query", "field"),
    [
        (LISTED, {"limit": "0"}, "limit"),
        (LISTED, {"limit": "101"}, "limit"),
        (LISTED, {"cursor": "1_2_3"}, "cursor"),
        (LISTED, {"cursor": "AGRr"}, "cursor"),
        (LISTED, {"cursor": "x" * 600}, "cursor"),
        (LISTED, {"cursor": "AGRrAQ" + "A" * 60}, "cursor"),
        (LISTED, {"open": "yes"}, "open"),
        (LISTED, {"result": "won"}, "result"),
        (LISTED, {"number": "0111"}, "number"),
        (LISTED, {"from": "yesterday"}, "from"),
        (LISTED, {"to": "2026-11-23T09:00:00"}, "to"),
        (USED, {"from": "2026-11-31"}, "from"),
        (USED, {"to": "today"}, "to"),
        (USED, {"from": "2026-11-02", "to": "2026-11-01"}, "to"),
        (USED, {"from": "2026-08-01", "to": "2026-11-23"}, "from"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused_by_its_field(api, event, query, field):
    status, body = api.say(asking(event, **query))
    assert (status, body["resultcode"]) == (403, "1010002")
    assert body["resultdesc"].startswith(f"Invalid request.{field} ")


def test_an_app_reads_what_it_used_by_the_day(api):
    yesterday = TODAY - timedelta(days=1)
    api.call_lists.usage = {
        TODAY: {api.key: DayUsage(3, 2, 90, 40_000), "another": DayUsage(7, 7, 700, 700_000)},
        yesterday: {api.key: DayUsage(1, 0, 0, 10_000)},
    }
    status, body = api.say(USED)
    assert (status, len(body["usage"])) == (200, 7)
    assert body["usage"][0] == {"day": "2026-11-23", "calls": 3, "talked": 2, "talkSeconds": 90, "usd": 0.04}
    assert body["total"] == {"calls": 4, "talked": 2, "talkSeconds": 90, "usd": 0.05}
    fits("Usage", body)
    one = api.say(asking(USED, **{"from": "2026-11-22", "to": "2026-11-22"}))[1]
    assert [(each["day"], each["calls"]) for each in one["usage"]] == [("2026-11-22", 1)]
