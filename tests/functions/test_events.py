"""Fetch the events of an app's calls, from a cursor."""

import base64
from typing import Any

import pytest

from duologue.call_control.facts import CallEnded, CdrWritten, LegDialledRecorded
from duologue.domain.cdr import cdr_of
from duologue.domain.outcome import EndReason, Party
from duologue.usecases.ports.calls import Change
from tests.functions.worlds import CALL_ID, HOST, Api, sample
from tests.samples import at

PLACED, FETCHED = sample("callback_api", "callback_placed"), sample("callback_api", "events_fetched")


def asking(**query):
    return FETCHED | {"queryStringParameters": FETCHED["queryStringParameters"] | query}


@pytest.fixture
def api():
    """A call that was dialled after one second and over after thirty."""
    api = Api()
    api.say(PLACED)
    for seconds, facts in (
        (1, (LegDialledRecorded(at(1), Party.CALLER),)),
        (30, (CallEnded(at(30), EndReason.STOPPED), CdrWritten(at(30)))),
    ):
        api.calls.now = at(seconds)
        saved = api.calls.load(CALL_ID)
        api.calls.change(CALL_ID, facts=saved.call.facts + len(facts))
        after = api.calls.load(CALL_ID)
        api.calls.save(Change(after, after.call, facts))
    api.calls.change(CALL_ID, ending=EndReason.STOPPED, ended_at=at(30))
    api.calls.cdrs[CALL_ID] = cdr_of(api.calls.load(CALL_ID).call)
    return api


def test_events_are_those_of_the_notifications_and_none_is_younger_than_ten_seconds(api):
    cursor, found = "", list[dict[str, Any]]()
    for seconds, news in ((10.9, []), (11, ["callout"]), (39.9, []), (40, ["disconnect", "fee"]), (99, [])):
        api.clock.at = at(seconds)
        status, body = api.say(asking(after=cursor))
        assert (status, [event["notification"]["eventType"] for event in body["events"]]) == (200, news)
        assert body["more"] is False
        cursor, found = body["next"], [*found, *body["events"]]
    assert [(event["id"], event["sequence"]) for event in found] == [
        (f"{CALL_ID}-{number}", number) for number in (2, 3, 4)
    ]
    assert found[0]["notification"]["statusInfo"]["sessionId"] == f"{CALL_ID}@{HOST}"


def test_a_page_ends_where_the_next_begins(api):
    api.clock.at = at(99)
    first = api.say(asking(limit="1"))[1]
    assert ([event["sequence"] for event in first["events"]], first["more"]) == ([2], True)
    second = api.say(asking(limit="1", after=first["next"]))[1]
    assert ([event["sequence"] for event in second["events"]], second["more"]) == ([3, 4], False)


@pytest.mark.parametrize(
    "query",
    [
        {"after": "x"},
        {"after": "\u0664"},
        {"after": base64.urlsafe_b64encode(b"1#2").decode()},
        {"after": base64.urlsafe_b64encode(f"99999999999#{CALL_ID}#1".encode()).decode()},
        {"after": "A" * 5000},
        {"limit": "0"},
        {"limit": "51"},
        {"limit": "-1"},
        {"limit": "\u0664"},
    ],
)
def test_what_is_no_cursor_and_no_limit(api, query):
    status, body = api.say(asking(**query))
    assert (status, body["resultcode"]) == (403, "1010002")
    assert next(iter(query)) in body["resultdesc"]
