"""What the console refuses, and what every answer of it carries."""

import pytest

from duologue.operator.console.guard import TOKEN_FIELD, TOKEN_HEADER
from tests.console.world import FAILED, TOKEN

OWN = {"Origin": "http://127.0.0.1:8089", "Sec-Fetch-Site": "same-origin"}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
REFUSED = {
    "a foreign name": {"Host": "evil.example:8089"},
    "another port": {"Host": "127.0.0.1:8090"},
    "a foreign origin": {"Origin": "http://evil.example"},
    "another page of this machine": {"Origin": "http://127.0.0.1:8090", "Sec-Fetch-Site": "same-site"},
    "an origin that is none": {"Origin": "null"},
    "a script of another site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "a frame": LINK | {"Sec-Fetch-Dest": "iframe"},
    "a player": LINK | {"Sec-Fetch-Dest": "audio"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_requests_of_other_sites_are_refused(browser, headers):
    for path in ("/calls", "/static/console.js"):
        answer = browser.get(path, headers=headers)
        assert answer.status_code == 403
        assert answer.text.startswith("Refused by the ")


@pytest.mark.parametrize("headers", [{}, OWN, LINK, {"Sec-Fetch-Site": "none"}, {"Host": "localhost:8089"}])
def test_the_consoles_own_pages_programs_and_links_are_answered(browser, headers):
    assert browser.get("/calls", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["stop", "send-again", "cancel", "number"])
def test_nothing_is_done_without_the_token_of_this_run(browser, world, path):
    call = world.place(*FAILED)
    for data, headers in (
        ({}, {}),
        ({TOKEN_FIELD: "of an earlier run"}, OWN),
        ({TOKEN_FIELD: TOKEN}, LINK),  # a form of another site that knows the token, which it cannot
        ({"text": f"{TOKEN_FIELD}={TOKEN}"}, {"Content-Type": "text/plain"}),
    ):
        assert browser.post(f"/calls/{call.id}/{path}", data=data, headers=headers).status_code == 403
    assert world.audit.entries == []
    form = {"data": {"party": "caller"}, "headers": {TOKEN_HEADER: TOKEN}}
    assert browser.post(f"/calls/{call.id}/{path}", **form).status_code == 200
    assert len(world.audit.entries) == 1


def test_a_form_that_is_too_long_is_refused(browser, world):
    call = world.place(*FAILED)
    answer = browser.post(f"/calls/{call.id}/stop", data={TOKEN_FIELD: TOKEN, "more": "x" * 20_000})
    assert (answer.status_code, world.audit.entries) == (403, [])


def test_every_answer_keeps_pages_to_the_consoles_own_files(browser):
    for path in ("/calls", "/static/console.css", "/nothing", "/calls/1_2_3_20261123090000"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
        assert not [name for name in headers if name.startswith("access-control-")]
