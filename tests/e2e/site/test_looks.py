"""Every page of the site and of the lab's home, in every state, as `look` judges it."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from lab.aws.switches import CRUEL, CloudSwitches
from lab.home.server import Home, changed_switches
from lab.website.backend import CallForm
from lab.website.scenarios import COURIER, HOMES, RIDES, SCENARIOS, TRAINING
from tests.e2e.looks import look
from tests.lab.test_home import CONSOLE, STATE
from tests.site.platform import (
    BACK,
    CALLEE,
    CALLER,
    RECORDED,
    RETURN_CALL,
    RETURN_FEE,
    SESSION,
    START,
    TALK,
    fee,
    status,
)

LINKS = (
    ("The lab", "http://127.0.0.1:8088"),
    ("A phone", "http://127.0.0.1:8091"),
    ("API", "http://127.0.0.1:8088/api"),
)
RINGS = status("alerting", CALLEE, 4)


def ended(code: int, second: int = 20) -> dict:
    return status("disconnect", CALLER, second, stateCode=code)


@pytest.fixture
def call(site, clock):
    """The path of a call's page, of which this was notified."""
    site.links = LINKS

    def call(scenario, *told, record: bool = False, contact: int = 0) -> str:
        clock.at = START
        placed = site.backend.place(scenario, CallForm(CALLER, scenario.contacts[contact].ref, record))
        for each in told:
            sent = json.dumps(each).replace(CALLEE, placed.contact.number).replace(SESSION, placed.session_id)
            moment = each.get("statusInfo", {}).get("timestamp")
            if moment:
                clock.at = max(clock.at, START.replace(second=int(moment[-2:])))
            assert site.backend.notify(json.loads(sent)) == 200
        clock.move(1)
        return f"/calls/{placed.id}"

    return call


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.key)
def test_looks_of_a_business(open_page, call, scenario):
    page = open_page(f"/{scenario.slug}")
    assert page.locator(".scene").evaluate("image => image.complete && image.naturalWidth > 0")
    look(page, f"site-{scenario.key}")
    call(scenario, *TALK[:5])
    call(scenario, ended(8102), contact=-1)
    page.reload()
    look(page, f"site-{scenario.key}-called")


def test_looks_of_a_form_that_was_refused(open_page, site, call):
    for scenario in (TRAINING, COURIER):
        page = open_page(f"/{scenario.slug}")
        page.get_by_label("Your phone number").fill("202 555 0111")
        page.get_by_label("Your phone number").press("Enter")
        page.locator(".wrong:visible").filter(has_text=r"e").first.wait_for()
        look(page, f"site-{scenario.key}-refused")
    look(open_page("/nothing"), "site-missing")


@pytest.mark.parametrize(
    ("name", "scenario", "told", "record"),
    [
        ("0-asked", TRAINING, (), False),
        ("1-dialled", COURIER, TALK[:1], False),
        ("2-rings", RIDES, TALK[:2], False),
        ("3-waits", HOMES, TALK[:3], True),
        ("4-callee-rings", COURIER, (*TALK[:4], RINGS), False),
        ("5-talks", HOMES, TALK[:5], True),
        ("6-over-recorded", TRAINING, (*TALK, fee(**RECORDED)), True),
        ("6-over", RIDES, (*TALK, fee()), False),
        ("7-busy", RIDES, (*TALK[:4], ended(8102), fee(fwdUnaswRsn=17, sipStatusCode=486)), False),
        ("7-you-did-not-answer", COURIER, (*TALK[:2], ended(8107)), False),
        ("7-stopped", HOMES, (*TALK[:5], ended(8017)), False),
        ("7-refused", TRAINING, (ended(7109, 2), fee(networkError="ServiceUnavailable")), False),
    ],
)
def test_looks_of_a_call(open_page, call, platform, storage, name, scenario, told, record):
    platform.link = f"{storage.url}/r/new"
    page = open_page(call(scenario, *told, record=record))
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    look(page, f"call-{name}")


def test_looks_of_a_return_call(open_page, site, call, clock):
    path = call(TRAINING, *TALK, fee())
    clock.at = START.replace(minute=1, second=3)
    for name, told in (("rings", RETURN_CALL[:2]), ("over", (*RETURN_CALL[2:], fee(BACK, **RETURN_FEE)))):
        [site.backend.notify(each) for each in told]
        page = open_page(path)
        look(page, f"call-called-back-{name}")
        back = page.get_by_role("link", name="called back")
        address = back.get_attribute("href")
        back.click()
        page.wait_for_url(f"**{address}")
        look(page, f"call-return-{name}")


def test_looks_of_a_call_whose_server_is_gone(open_page, site, call):
    page = open_page(call(TRAINING, *TALK[:5]))
    page.route("**/calls/**", lambda route: route.abort())
    site.closing.set()  # its streams end with the next change
    site.backend.call_log.change(next(iter(site.backend.call_log._calls.values())))
    page.get_by_role("alert").filter(has_text="No connection").wait_for()
    look(page, "call-lost")


def test_looks_of_the_home_page(browser):
    switches = changed_switches(replace(CloudSwitches(), **CRUEL), CloudSwitches())
    full = replace(STATE, console=CONSOLE, switches=switches, notes=("Functions act as their roles (--auth).",))
    shown = {"state": STATE}
    with closing(Home(lambda: shown["state"])) as home, closing(browser.new_context()) as context:
        page = context.new_page()
        for name, state in (("plain", STATE), ("full", full), ("virtual", replace(STATE, phone=""))):
            shown["state"] = state
            page.goto(home.url)
            look(page, f"home-{name}")
        page.goto(f"{home.url}/nothing")
        look(page, "home-missing")
        page.goto(f"{home.url}/api")
        look(page, "api")
