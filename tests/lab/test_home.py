"""The lab's home page over HTTP: it shows what it is given, and only to pages of its own."""

import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from lab.aws.switches import CRUEL, CloudSwitches
from lab.home.server import Home, LabState, Running, changed_switches
from lab.website.scenarios import HOMES, RIDES
from pstn.lines.behaviours import planned
from pstn.switches import Switches

SITE, PHONE, CONSOLE = "http://127.0.0.1:8090", "http://127.0.0.1:8091", "http://127.0.0.1:8089"
STATE = LabState(
    site=SITE,
    phone=PHONE,
    aws="http://127.0.0.1:4566",
    running=(
        Running("API", "http://127.0.0.1:8080", "where an SP places callbacks"),
        Running("Phone", PHONE, "x", True),
    ),
    shown="+12025550101",
    env_file=".lab/env",
)


@pytest.fixture
def shown() -> dict:
    """The state that the page shows; a test changes it."""
    return {"state": STATE}


@pytest.fixture
def home(shown) -> Iterator[Home]:
    with closing(Home(lambda: shown["state"])) as home:
        yield home


def ask(home: Home, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    with closing(http.client.HTTPConnection(urlsplit(home.url).netloc, timeout=10)) as line:
        line.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = line.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()


def links(page: str) -> set[str]:
    return set(re.findall(r'href="([^"]+)"', page))


def test_it_links_all_there_is_and_numbers_six_things_to_try(home):
    status, headers, page = ask(home)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    steps = re.search(r'<ol class="steps">(.*?)</ol>', page, re.DOTALL)[1]
    assert steps.count("<h3>") == 6
    for each in (f"{SITE}/", f"{SITE}/rides", f"{SITE}/courier", f"{SITE}/homes", f"{PHONE}/", "/api"):
        assert each in links(page)
    assert "http://127.0.0.1:8080" in page
    assert "Ctrl-C" in page
    assert not re.search(r'(src|rel="stylesheet" href)="(https?:)?//', page), "everything comes from the page's server"


def test_the_telephones_do_what_its_steps_say():
    """On the number plan, which the steps and the businesses were written for."""
    bruno, chen = (RIDES.contact(ref) for ref in ("trip-4712", "trip-4715"))
    grace = HOMES.contacts[0]
    assert [each.name for each in (bruno, chen, grace)] == ["Bruno", "Chen", "Grace Bell"]
    assert planned(bruno.number).kind == "busy"
    assert planned(chen.number).kind == "never_answers"
    assert (planned(grace.number).talks or 0) >= 8, "seconds: the recording begins only after a notice to both"
    for number in ("+12025550111", RIDES.own_number, HOMES.own_number):
        assert (planned(number).kind, planned(number).talks) == ("answers", None), "stays until the other hangs up"


@pytest.mark.parametrize(("field", "url", "what"), [("console", CONSOLE, "console"), ("phone", PHONE, "phone")])
def test_a_link_is_there_while_what_it_leads_to_runs(home, shown, field, url, what):
    there: dict[str, Any] = {field: url}
    shown["state"] = replace(STATE, **there)
    assert f"{url}/" in links(ask(home)[2])
    without: dict[str, Any] = {field: "", "running": ()}
    shown["state"] = replace(STATE, **without)
    page = ask(home)[2]
    assert [each for each in links(page) if each.startswith(url)] == []
    assert f"The {what}</a>" not in page


def test_switches_that_were_changed_are_named_with_their_default(home, shown):
    assert "behave as on a good day" in ask(home)[2]
    network = replace(Switches(), duplicates="at_once", lost_events=frozenset({"RINGING"}))
    changed = (
        *changed_switches(network, Switches()),
        *changed_switches(replace(CloudSwitches(), **CRUEL), CloudSwitches()),
    )
    assert [each.name for each in changed][:2] == ["duplicates", "lost_events"]
    assert {each.name for each in changed[2:]} == set(CRUEL)
    shown["state"] = replace(STATE, switches=changed)
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", ask(home)[2]))
    assert "duplicates at_once none each event is delivered twice" in page
    assert "lost_events RINGING none event types" in page
    assert "good day" not in page


def test_the_api_is_documented(home):
    status, _, page = ask(home, "/api")
    assert status == 200
    assert "/rest/httpsessions/click2Call/v2.0" in page
    assert '<link rel="stylesheet" href="/api.css">' in page
    assert "/" in links(page), "back to the home page"


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/static/home.css", "GET", {}, 200),
        ("/api.css", "GET", {}, 200),
        ("/openapi.yaml", "GET", {}, 200),
        ("/static/two-phones.svg", "HEAD", {}, 200),
        ("/nothing", "GET", {}, 404),
        ("/static/../server.py", "GET", {}, 404),
        ("/", "POST", {}, 501),
        ("/", "GET", {"Host": "rebound.example"}, 403),
        ("/", "GET", {"Origin": "http://evil.example"}, 403),
        ("/", "GET", {"Sec_Fetch_Site": "cross-site"}, 403),
    ],
)
def test_what_it_answers_to_whom(home, path, method, headers, status):
    assert ask(home, path, method, **headers)[0] == status


def test_what_it_is_given_is_text(home, shown):
    shown["state"] = replace(STATE, running=(Running("<script>x", "127.0.0.1:1", "&"),))
    assert "<script>x" not in ask(home)[2]
