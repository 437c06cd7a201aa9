"""The page by itself: on, off, twice, without a microphone, with the keyboard, on a narrow screen."""

import pytest

from pstn.lines.virtual import answers
from tests.e2e.phone.conftest import see, voices_in
from tests.e2e.sip import audio_analysis
from tests.e2e.sip.sip_exchange import SipStory
from tests.pstn.scripted import A, B, bridge, hang_up_the_rest

CALLBACK = {"CALL_ANSWERED": [bridge()], "HANGUP": hang_up_the_rest}


BESIDE = """all => all.filter(each => each.getBoundingClientRect().right > 320 - 16 - 20)
  .map(each => each.outerHTML)"""
"""What is wider than the card has room for: 1 rem of the page's, 1.3 rem of the card's own."""


def on(page) -> None:
    page.get_by_role("button", name="Switch on").click()
    see(page, "it rings here")


def off(page) -> None:
    page.get_by_role("button", name="Switch off").click()
    see(page, "Off.")


def test_on_and_off_twice(open_page, sip_exchange, keep):
    page = open_page(A)
    keep(page, "0-off")
    for _ in range(2):
        on(page)
        assert sip_exchange.line.numbers.address(A)
        off(page)
    page.get_by_role("button", name="Switch on").wait_for()


@pytest.mark.parametrize(
    ("query", "own"),
    [
        ("", "+1 202 555 0111"),
        ("?number=%2B12025550122", "+1 202 555 0122"),
        ("?number=+12025550122", "+1 202 555 0122"),
        ("?number=<b>44 20 7946 0000", "+442079460000"),
    ],
)
def test_which_number_it_is(open_page, phone, query, own):
    page = open_page(A)
    page.goto(f"{phone.url}/{query}")
    assert page.get_by_label("Which number").input_value().replace("\N{NO-BREAK SPACE}", " ") == own


def test_sophias_is_one_click(open_page, sip_exchange):
    page = open_page(A)
    page.get_by_role("button", name="Sophia").click()
    on(page)
    assert sip_exchange.line.numbers.address(B)
    assert sip_exchange.line.numbers.address(A) is None


def test_what_is_no_number_is_told(open_page):
    page = open_page(A)
    page.get_by_label("Which number").fill("0")
    page.get_by_role("button", name="Switch on").click()
    see(page, "the first message must have the number")
    page.get_by_label("Which number").fill("+1 202 555 0111")
    on(page)


def test_of_two_tabs_the_older_says_that_it_is_off(switched_on, keep):
    older, newer = switched_on(A), switched_on(A)
    see(older, "Another page has this number now")
    keep(older, "taken")
    on(older)
    see(newer, "Another page has this number now")


def test_without_a_microphone_it_hears_and_sends_silence(sip_exchange, switched_on, deaf_browser, keep):
    page = switched_on(A, within=deaf_browser)
    page.get_by_text("the other side hears silence").wait_for()
    story = SipStory(sip_exchange, CALLBACK, b=answers(after=0.2, talks=3.0)).place()
    see(page, "is calling")
    page.get_by_role("button", name="Answer").click()
    page.wait_for_function("() => document.getElementById('ear').value > 0.5")
    keep(page, "silent")
    story.run()
    assert voices_in(audio_analysis.samples(story.received(story.b))) == set()


def test_with_the_keyboard_alone(sip_exchange, open_page):
    page = open_page(A)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "number"
    page.keyboard.press("Enter")
    see(page, "it rings here")
    story = SipStory(sip_exchange, CALLBACK).place()
    see(page, "is calling")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    see(page, "Connected")
    story.run(lambda: bool(story.a.calls[0].joined))
    page.keyboard.press("Enter")
    see(page, "You hung up")
    story.run()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen(sip_exchange, switched_on, keep, scheme):
    page = switched_on(A, width=320, height=640, color_scheme=scheme)
    story = SipStory(sip_exchange, CALLBACK).place()
    see(page, "is calling")
    keep(page, f"narrow-rings-{scheme}")
    page.get_by_role("button", name="Answer").click()
    page.wait_for_function("() => document.getElementById('ear').value > 0.5")
    keep(page, f"narrow-talks-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator("main *:visible").evaluate_all(BESIDE) == []
    small = page.locator("button:visible").evaluate_all(
        "all => all.filter(each => each.getBoundingClientRect().height < 40).map(each => each.textContent)"
    )
    assert small == []
    page.get_by_role("button", name="Hang up").click()
    story.run()
    see(page, "You hung up")
    field = page.get_by_label("Number to call")
    assert page.locator("main *:visible").evaluate_all(BESIDE) == []
    assert field.evaluate("each => each.scrollWidth <= each.clientWidth"), "a whole number can be seen"
    keep(page, f"narrow-over-{scheme}")


def test_another_page_of_the_same_browser_can_open_no_socket(browser, phone, site_of_somebody_else):
    page = browser.new_page()
    page.goto(site_of_somebody_else)
    outcome = page.evaluate(
        """url => new Promise(done => {
          const socket = new WebSocket(url);
          socket.onopen = () => done("open");
          socket.onerror = () => done("refused");
        })""",
        f"{phone.url.replace('http', 'ws')}/socket",
    )
    page.close()
    assert outcome == "refused"
