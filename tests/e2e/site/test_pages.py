"""The site in headless Chromium, on a platform that answers and notifies as the test says.

A whole call, with the platform and with sound, is in tests/e2e/phone/test_whole_story.py.
"""

import json
import re

import pytest

from tests.site.platform import CALLEE, CALLER, RECORDED, SESSION, START, TALK, fee, status

JACK = "+1 202 555 0111"
STABLE = 0.1
"""Below this a page counts as not jumping: https://web.dev/articles/cls"""
WIDER = "width => document.querySelector('.bar.talks').getBoundingClientRect().width > width + 5"


@pytest.fixture
def notify(site, clock):
    """Sends notifications of the latest call, each when it happened."""

    def send(*bodies, number: str = CALLEE) -> None:
        session = latest(site).session_id
        for body in bodies:
            sent = json.loads(json.dumps(body).replace(CALLEE, number).replace(SESSION, session))
            happened = sent.get("statusInfo", {}).get("timestamp")
            if happened:
                clock.at = max(clock.at, START.replace(second=int(happened[-2:])))
            assert site.backend.notify(sent) == 200
        clock.move(1)

    return send


def latest(site):
    return next(reversed(site.backend.call_log._calls.values()))


def ask_for_a_call(page, number: str | None = JACK, *, record: bool = False):
    """`number` None: it is filled in already."""
    if number:
        page.get_by_label("Your phone number").fill(number)
    if record:
        page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Call me back").click()
    page.wait_for_url("**/calls/*")


def jumps(page) -> float:
    return sum(page.evaluate("window.shifts"))


def see(page, words: str) -> None:
    """Wait until the page says so where a screen reader hears it."""
    page.locator("[role=status]", has_text=words).wait_for()


def test_a_call_is_watched_from_the_request_to_the_recording(open_page, notify, platform, storage):
    """The page changes by itself, says each step, and does not jump."""
    platform.link = f"{storage.url}/r/new"
    page = open_page(width=390)
    page.get_by_role("button", name=JACK, exact=True).click()
    ask_for_a_call(page, None, record=True)
    for notification, words in zip(
        TALK,
        (
            "Your phone is being dialled",
            "Your phone is ringing. It shows",
            "You have answered",
            "Sophia’s phone is being called",
            "You are connected with Sophia",
        ),
        strict=False,
    ):
        notify(notification)
        see(page, words)
    before = page.locator(".bar.talks").first.bounding_box()["width"]
    page.wait_for_function(WIDER, arg=before)
    notify(TALK[-1], fee(**RECORDED))
    see(page, "You talked with Sophia for 20 s")
    page.get_by_text("Hung up by Sophia.").wait_for()
    assert page.locator(".steps tbody tr:not(.open) code").all_inner_texts() == [
        *("callout", "alerting", "answer", "callout", "answer"),
        *("disconnect", "fee"),
    ]
    page.get_by_role("heading", name="The call’s record").click()
    page.get_by_role("row", name="Talked 20 s").wait_for()
    page.locator("audio").wait_for()
    assert jumps(page) < STABLE


def test_it_is_stopped_by_the_button(open_page, notify):
    page = open_page()
    ask_for_a_call(page)
    notify(*TALK[:5])
    see(page, "You are connected")
    page.get_by_role("button", name="End the call").press("Enter")
    see(page, "The call is being ended")
    notify(status("disconnect", CALLER, 9, stateCode=8017))
    see(page, "The call was stopped from this page.")
    assert page.get_by_role("button", name="End the call").count() == 0
    assert jumps(page) < STABLE


def test_a_page_whose_server_is_gone_says_what_was_known_when(open_page, notify, site):
    """The picture stands still, and the page asks on until the server is back."""
    page = open_page()
    ask_for_a_call(page)
    notify(*TALK[:5])
    see(page, "You are connected")
    page.route("**/calls/**", lambda route: route.abort())
    site.closing.set()  # its streams end with the next change
    site.backend.call_log.change(latest(site))
    lost = page.get_by_role("alert").filter(has_text=re.compile(r"No connection.* known at \d\d:\d\d:\d\d UTC"))
    lost.wait_for()
    before = page.evaluate("document.querySelector('.chart').style.getPropertyValue('--now')")
    page.get_by_role("button", name="End the call").click()
    page.locator("button.stop:not([aria-disabled])", has_text="End the call").wait_for()
    assert page.evaluate("document.querySelector('.chart').style.getPropertyValue('--now')") == before
    page.unroute("**/calls/**")
    site.closing.clear()
    lost.wait_for(state="hidden")
    notify(TALK[-1])
    see(page, "You talked with Sophia")


def test_a_wrong_number_is_told_beside_the_field(open_page):
    page = open_page()
    field = page.get_by_label("Your phone number")
    field.fill("202 555 0111")
    field.press("Enter")
    fault = page.locator("#number-wrong", has_text="Begin with +")
    fault.wait_for()
    assert field.input_value() == "202 555 0111"
    assert field.get_attribute("aria-invalid") == "true"
    page.locator("#number:focus").wait_for()
    under, beside = fault.bounding_box(), field.bounding_box()
    assert 0 <= under["y"] - (beside["y"] + beside["height"]) < 20


def test_with_the_keyboard_alone(open_page, notify):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(40):
        if page.evaluate("document.activeElement.id") == "number":
            break
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.type("+12025550140")
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/*")
    notify(status("disconnect", CALLER, 2, stateCode=8108))
    see(page, "Your phone was busy.")
