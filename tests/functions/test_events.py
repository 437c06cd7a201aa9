"""Fetch the events of an app's calls, from a cursor."""

import base64
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from duologue.call_control.facts import CallEnded, CdrWritten, LegDialledRecorded
from duologue.call_control.history import Attempt, Delivery, DeliveryState
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.notifying.endpoint_health import Circuit, EndpointHealth
from duologue.domain.notifying.webhook_request import Reply
from duologue.usecases.notifying import replay_notifications
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.ports.notifying import Notice
from tests.functions.worlds import CALL_ID, HOST, PING_ID, Api, sample
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


def test_what_is_undelivered_is_listed_and_sent_again_by_its_id(api):
    notice = Notice(CALL_ID, 3, api.calls.history(CALL_ID).sources[3], api.key)
    attempt = Attempt(at(31), "http://127.0.0.1:9999/status", 503, note="not taken")
    api.calls.save_delivery(notice, Delivery(DeliveryState.UNDELIVERED, at(31), (attempt,), 10, note="not taken"))
    body = api.say(sample("callback_api", "undelivered_listed"))[1]
    [listed] = body["notifications"]
    assert (listed["id"], listed["state"], listed["attempts"][0]["httpStatus"]) == (f"{CALL_ID}-3", "undelivered", 503)
    assert body["more"] is False
    following = {"queryStringParameters": FETCHED["queryStringParameters"] | {"after": body["next"]}}
    assert api.say(sample("callback_api", "undelivered_listed") | following)[1]["notifications"] == []
    assert api.say(replaying(id=listed["id"]))[1]["replayed"] == 1
    assert api.calls.waiting[CALL_ID, 3] == (replace(notice, version=2), api.clock.now())


def replaying(**query):
    sent = sample("callback_api", "notification_replayed")
    return sent | {"queryStringParameters": FETCHED["queryStringParameters"] | query}


def test_all_of_a_span_of_time_are_sent_again(api):
    api.clock.at = at(99)
    span = {"from": "2026-11-23T09:00:02Z", "to": "2026-11-23T10:00:30+01:00"}
    assert api.say(replaying(**span))[1] == {"resultcode": "0", "resultdesc": "Success", "replayed": 2}
    assert sorted(api.calls.waiting) == [(CALL_ID, 3), (CALL_ID, 4)]


def test_a_span_with_very_many_events_is_sent_in_parts(api, monkeypatch):
    monkeypatch.setattr(replay_notifications, "MOST_EVENTS", 1)
    body = api.say(replaying(**{"from": "2026-11-23T09:00:00Z", "to": "2026-11-23T10:00:00Z"}))[1]
    assert (body["replayed"], body["rest"]) == (1, "2026-11-23T09:00:30.000Z")


@pytest.mark.parametrize(
    ("query", "code", "named"),
    [
        ({"id": f"{CALL_ID}-1"}, "1020152", "id"),
        ({"id": f"{CALL_ID}-99"}, "1020152", "id"),
        ({"id": "9_9_9_20261123090000-2"}, "1020152", "id"),
        ({"id": "x"}, "1020152", "id"),
        ({"from": "2026-11-23T09:00:00", "to": "2026-11-23T10:00:00Z"}, "1010002", "from"),
        ({"from": "2026-11-23T09:00:00Z"}, "1010002", "to"),
        ({"from": "2026-11-23T09:00:31Z", "to": "2026-11-23T10:00:00+01:00"}, "1010002", "to"),
        ({}, "1010002", "from"),
    ],
)
def test_what_cannot_be_sent_again_is_refused_by_the_name_of_its_parameter(api, query, code, named):
    answered, body = api.say(replaying(**query))
    assert (answered, body["resultcode"]) == (403, code)
    assert re.match(rf"Invalid (request\.)?{named}\b", body["resultdesc"])
    assert not api.calls.waiting


def test_nobody_sends_again_what_is_another_s(api):
    api.calls.change(CALL_ID, app="another")
    assert api.say(replaying(id=f"{CALL_ID}-2"))[1]["resultcode"] == "1020152"


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


PINGED = sample("callback_api", "pinged")


def pinging(**urls):
    return PINGED | {"body": json.dumps(urls)}


@pytest.mark.parametrize(
    ("reply", "acknowledged", "said"),
    [
        (Reply(200, b"fine"), True, {"httpStatus": 200, "reply": "fine"}),
        (Reply(503, b"x" * 300), False, {"httpStatus": 503, "reply": "x" * 256, "note": "not taken"}),
        (Reply(302), False, {"httpStatus": 302, "note": "not taken"}),
        (Reply(410), False, {"httpStatus": 410, "note": "410 Gone: not retried"}),
        (Reply(None, note="too slow"), False, {"note": "too slow"}),
        (Reply(None, note="url resolves to a private address"), False, {"note": "url resolves to a private address"}),
    ],
)
def test_a_ping_says_what_came_of_it_and_is_forgotten(api, reply, acknowledged, said):
    """In particular, no failure counts toward the circuit breaker, and 410 switches nothing off."""
    url = "https://new.example.com/status"
    before = (dict(api.calls.deliveries), dict(api.calls.waiting))
    for _ in range(5):
        api.endpoints.replies = [reply]
        status, body = api.say(pinging(statusUrl=url))
        [ping] = body["pings"]
        assert (status, ping.pop("at"), ping) == (
            200,
            "2026-11-23T09:00:00.000Z",
            {
                "id": f"{PING_ID}-0",
                "acknowledged": acknowledged,
                "url": url,
                "milliseconds": 0,
                "notifications": "posted",
                **said,
            },
        )
    assert api.calls.health == {}
    assert (api.calls.deliveries, api.calls.waiting) == before
    status, body = api.say(pinging(statusUrl=url))
    assert (status, body["resultcode"], len(api.endpoints.requests)) == (403, "1010010", 5), "five in a minute"
    api.clock.advance(60)
    assert api.say(pinging(statusUrl=url))[0] == 200


@pytest.mark.parametrize(
    ("own", "named", "pinged"),
    [
        (("s", "f"), {}, ["s", "f"]),
        ((None, "f"), {"statusUrl": "", "feeUrl": None}, ["f"]),
        (("s", "f"), {"feeUrl": "https://sp.example.com/x"}, ["https://sp.example.com/x"]),
        ((None, None), {}, []),
    ],
)
def test_without_a_url_a_ping_goes_to_those_of_the_app(api, own, named, pinged):
    app = api.accounts.app(api.key)
    api.accounts.apps[api.key] = replace(app, status_url=own[0], fee_url=own[1])
    status, _ = api.say(pinging(**named) if named else PINGED | {"body": None})
    assert status == (200 if pinged else 403)
    assert [request.url for request in api.endpoints.requests] == pinged


@pytest.mark.parametrize(
    ("health", "now"),
    [
        (EndpointHealth({"https://sp.example.com": Circuit(5, at(30))}), "paused"),
        (EndpointHealth({"https://sp.example.com": Circuit(5, at(-30))}), "posted"),
        (EndpointHealth(gone=("https://sp.example.com/x",)), "switched off"),
    ],
)
def test_a_ping_is_posted_though_notifications_are_not_and_says_so(api, health, now):
    api.calls.health[api.key] = health
    _, body = api.say(pinging(statusUrl="https://sp.example.com/x"))
    assert (body["pings"][0]["acknowledged"], body["pings"][0]["notifications"]) == (True, now)
    assert api.calls.health == {api.key: health}


@pytest.mark.parametrize(
    "url", ["ftp://sp.example.com/", "https://sp.example.com/\r\nX-Evil: 1", "https://a@b.example.com/"]
)
def test_a_ping_of_what_is_no_url_of_an_sp_is_refused(api, url):
    status, body = api.say(pinging(statusUrl=url))
    assert (status, body["resultcode"], api.endpoints.requests) == (403, "1010002", [])
