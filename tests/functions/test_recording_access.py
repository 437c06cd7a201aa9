"""Fetch a recording: a 301 to a link of the platform's own, which gives the audio, or leads to it if it is large."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from duologue.domain.media.recording import published_key
from duologue.domain.media.recording_link import MOST_BYTES
from tests.functions.worlds import ABSENT, AUDIO, CALL_ID, RECORDING, Api, sample, with_query

ASKED, FOLLOWED = sample("callback_api", "recording_asked_for"), sample("recordings_api", "recording_link_followed")
ABSENT_RECORD = (403, {"resultcode": "1012007", "resultdesc": "Record does not exist."})
NO_LINK = (404, {"resultcode": "1012007", "resultdesc": "Unknown or expired link; ask for the record again."})
OF_ACCOUNT = sample("recordings_api", "recording_link_of_the_account_followed")
NOT_READY = (403, {"resultcode": "1011006", "resultdesc": "Record is not ready, try later."})
DAYS_7_S = timedelta(days=7).total_seconds()


@pytest.fixture
def api():
    world = Api()
    world.record()
    return world


def asking(**headers: str) -> dict[str, Any]:
    return FOLLOWED | {"headers": FOLLOWED["headers"] | headers}


def following(location: str) -> dict[str, Any]:
    return FOLLOWED | {"pathParameters": {"token": urlsplit(location).path.removeprefix("/r/")}}


def test_the_way_from_the_name_in_the_cdr_to_the_recording(api):
    status, link = api.lead(ASKED)
    assert status == 301
    assert link.startswith("https://duologue.example.com/r/")
    assert len(link) <= 512
    status, headers, content = api.play(following(link))
    assert (status, content) == (200, AUDIO)
    assert headers == {
        "Content-Type": "audio/wav",
        "Content-Disposition": f'attachment; filename="{CALL_ID}.wav"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",
    }


@pytest.mark.parametrize("before", [0, MOST_BYTES])
@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes={0}-{999}", 0, 999),
        ("bytes={2000}-", 2000, 2047),
        ("bytes={2047}-{9999}", 2047, 2047),
        ("bytes=-10", 2038, 2047),
        ("Bytes = {1}-{1}", 1, 1),
    ],
)
def test_a_part_of_a_recording(api, asked, first, last, before):
    """Also of one that is too large for a response."""
    sound = bytes(before) + AUDIO
    api.recordings.sounds[published_key(api.key, CALL_ID)] = sound
    wanted = re.sub(r"{(\d+)}", lambda place: str(int(place[1]) + before), asked)
    status, headers, content = api.play(asking(Range=wanted))
    assert (status, content) == (206, AUDIO[first : last + 1])
    assert headers["Content-Range"] == f"bytes {first + before}-{last + before}/{len(sound)}"
    assert (headers["Content-Type"], headers["Accept-Ranges"]) == ("audio/wav", "bytes")


@pytest.mark.parametrize("asked", ["bytes=2048-", "bytes=9999-10000", "bytes=-0"])
def test_a_part_that_does_not_exist(api, asked):
    status, headers, content = api.play(asking(Range=asked))
    assert (status, content, headers["Content-Range"]) == (416, b"", "bytes */2048")


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=5-2"},
        {"Range": "bytes=0-1,5-6"},
        {"Range": "seconds=0-1"},
        {"Range": "bytes=-"},
        {"Range": "bytes=" + "9" * 5000 + "-"},
        {"Range": "bytes=0-1", "If-Range": '"a version"'},
    ],
)
def test_a_range_that_is_ignored(api, headers):
    assert api.play(asking(**headers))[::2] == (200, AUDIO)


@pytest.mark.parametrize(("bytes_more", "status"), [(0, 200), (1, 302)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("way", ["link", "cdr"])
def test_a_recording_that_no_response_can_have_is_led_to(api, bytes_more, status, method, way):
    """By a URL for the method of the request: the storage refuses any other."""
    api.recordings.sounds[published_key(api.key, CALL_ID)] = bytes(MOST_BYTES + bytes_more)
    event = {"link": FOLLOWED, "cdr": OF_ACCOUNT}[way] | {"httpMethod": method}
    if status == 200:
        assert api.play(event)[::2] == (200, bytes(MOST_BYTES))
        return
    for headers in ({}, {"Range": "bytes=0-"}):
        url = f"https://storage.example.com/{published_key(api.key, CALL_ID)}?good_for=900&method={method}"
        assert api.lead(event | {"headers": event["headers"] | headers}) == (302, url)


def test_a_recording_that_is_deleted_while_it_is_read(api):
    api.recordings.size = lambda key: 5
    api.recordings.sounds.clear()
    assert api.say(FOLLOWED) == NO_LINK


@pytest.mark.parametrize("way", [ASKED, FOLLOWED, OF_ACCOUNT], ids=["record", "link", "cdr"])
def test_a_head_request_is_answered_as_a_get(api, way):
    """The gateway leaves the body out; RFC 9110 §9.1 wants both methods."""
    api.random_bytes = lambda length: b"\x01" * length
    for ignored in ({}, {"Range": "bytes=0-1"}):  # RFC 9110 §14.2: for GET only
        head = way | {"httpMethod": "HEAD", "headers": way["headers"] | ignored}
        assert api.answer(head) == api.answer(way)


def test_a_link_is_kept_as_its_hash(api):
    token = api.lead(ASKED)[1].rpartition("/")[2]
    assert len(token) == 43
    assert token not in api.links.links


def test_without_a_custom_domain_the_link_is_below_the_stage(api):
    headers = ASKED["headers"] | {"Host": "a1.execute-api.us-east-1.amazonaws.com"}
    for path in ("/live" + ASKED["resource"], "/live" + ASKED["resource"] + "/"):
        context = ASKED["requestContext"] | {"path": path}
        link = api.lead(ASKED | {"requestContext": context, "headers": headers})[1]
        assert link.startswith("https://a1.execute-api.us-east-1.amazonaws.com/live/r/")


def test_a_link_is_good_for_days_and_may_be_followed_twice(api):
    link = api.lead(ASKED)[1]
    api.clock.advance(DAYS_7_S - 1)
    assert api.play(following(link)) == api.play(following(link))
    api.clock.advance(1)
    assert api.say(following(link)) == NO_LINK


@pytest.mark.parametrize("token", ["0" * 43, "", "%2e%2e", "x" * 2000])
def test_a_guessed_link(api, token):
    assert api.say(FOLLOWED | {"pathParameters": {"token": token}}) == NO_LINK


def test_a_link_to_a_recording_that_is_gone(api):
    api.recordings.sounds.clear()
    assert api.say(FOLLOWED) == NO_LINK


@pytest.mark.parametrize("who", ["app", "sp"])
def test_a_link_of_who_is_suspended(api, who):
    if who == "app":
        object.__setattr__(api.accounts.apps[api.key], "active", False)
    else:
        object.__setattr__(api.accounts.sps["sp-1"], "active", False)
    assert api.say(FOLLOWED) == NO_LINK


def test_a_recording_that_has_not_come_yet(api):
    api.recordings.sounds.clear()
    assert api.say(ASKED) == NOT_READY


@pytest.mark.parametrize(
    "query",
    [
        {"fileName": "9_9_9_20261123090000.wav"},
        {"fileName": CALL_ID},
        {"fileName": "../" + CALL_ID + ".wav"},
        {"fileName": CALL_ID + "@duologue.example.com.wav"},
        {"recordDomain": "another.example.com"},
    ],
)
def test_a_name_that_is_none(api, query):
    assert api.say(with_query(ASKED, **query)) == ABSENT_RECORD


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"fileName": ABSENT}, "fileName is required"),
        ({"recordDomain": ABSENT}, "recordDomain is required"),
        ({"fileName": "x" * 129}, "fileName must have 1 to 128 characters"),
    ],
)
def test_a_parameter_that_is_wrong(api, query, named):
    status, body = api.say(with_query(ASKED, **query))
    assert (status, body["resultcode"]) == (403, "1010002")
    assert named in body["resultdesc"]


def test_a_made_up_host_makes_no_location_that_is_too_long(api):
    status, body = api.say(ASKED | {"headers": ASKED["headers"] | {"Host": "x" * 600}})
    assert (status, body["resultdesc"]) == (403, "Invalid request.Host is too long")


def test_a_link_needs_no_token_and_takes_none(api):
    assert api.play(FOLLOWED | {"queryStringParameters": {"app_key": "of nobody"}})[0] == 200


def test_the_samples_carry_what_the_wire_says(api):
    assert json.dumps(FOLLOWED).count("access_token") == 0


def test_the_link_in_the_cdr_leads_to_the_recording(api):
    assert api.play(OF_ACCOUNT)[::2] == (200, AUDIO)


def test_the_link_in_the_cdr_before_the_recording_has_come_and_after_it_was_deleted(api):
    api.recordings.sounds.clear()
    assert api.say(OF_ACCOUNT) == NOT_READY
    api.recordings.sounds |= dict.fromkeys((RECORDING.key, published_key(api.key, CALL_ID)), AUDIO)
    assert api.say(ASKED | {"httpMethod": "DELETE"})[0] == 200
    assert api.say(OF_ACCOUNT) == NO_LINK


@pytest.mark.parametrize(
    "changed",
    [
        {"token": "0" * 43},
        {"token": "%2e%2e"},
        {"fileName": "9_9_9_20261123090000.wav"},
        {"fileName": CALL_ID},
        {"fileName": "../" + CALL_ID + ".wav"},
        {"fileName": CALL_ID + "@duologue.example.com.wav"},
    ],
)
def test_a_guessed_link_of_an_account(api, changed):
    assert api.say(OF_ACCOUNT | {"pathParameters": OF_ACCOUNT["pathParameters"] | changed}) == NO_LINK


def test_a_guess_of_a_call_that_never_was_asks_no_key_service(api):
    """It costs us a read; guesses cost whoever guesses more."""
    api.link_tokens.out_of_reach = True
    assert (
        api.say(OF_ACCOUNT | {"pathParameters": {"token": "0" * 43, "fileName": "9_9_9_20261123090000.wav"}}) == NO_LINK
    )
    assert api.say(OF_ACCOUNT)[0] == 500
