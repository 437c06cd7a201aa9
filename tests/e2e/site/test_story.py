"""The document's own story, clicked through in headless Chromium against a running laboratory."""

import re

import pytest

from lab.website.scenarios import COURIER, RIDES, SOPHIA
from pstn.lines.behaviours import answers, busy, never_answers

JACK = "+1 202 555 0111"
OVER = "[data-call] .now.over"
STABLE = 0.1
"""Below this a page counts as not jumping: https://web.dev/articles/cls"""

PLAYS = """audio => new Promise((done, failed) => {
  const play = async () => {
    await audio.play();
    while (audio.currentTime < 0.3) await new Promise(soon => setTimeout(soon, 50));
    audio.pause();
    done([audio.duration, audio.currentTime]);
  };
  audio.onerror = () => failed(new Error(audio.error.message));
  if (audio.readyState >= 1) play(); else audio.onloadedmetadata = play;
})"""


@pytest.fixture(autouse=True)
def phones(phone):
    phone("+12025550111", answers(1.0, leaves_after_peer=1.0))
    phone(SOPHIA.number, answers(2.0, talks=15.0))


def ask_for_a_call(page, number: str = JACK, *, record: bool = False):
    page.get_by_label("Your phone number").fill(number)
    if record:
        page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Call me back").click()
    page.wait_for_url("**/calls/*")


def jumps(page) -> float:
    return sum(page.evaluate("window.shifts"))


def see(page, words: str | re.Pattern[str]) -> None:
    """Wait until the page says so where a screen reader hears it."""
    page.locator("[role=status]", has_text=words).wait_for()


def test_jack_is_called_back_and_hears_the_recording(open_page, phone, keep):
    """Placed, watched, hung up by Sophia, accounted for, played."""
    phone("+12025550111", answers(6.0, leaves_after_peer=1.0))  # time for a browser that has just been started
    page = open_page()
    keep(page, "training-1-asked")
    page.get_by_role("button", name=JACK, exact=True).click()
    assert page.get_by_label("Your phone number").input_value().replace("\N{NO-BREAK SPACE}", " ") == JACK
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Call me back").click()
    page.wait_for_url("**/calls/*")
    see(page, "Your phone is ringing. It shows")
    see(page, "You are connected with Sophia")
    bar = page.locator(".bar.talks").first
    before = bar.bounding_box()["width"]
    page.wait_for_function(
        "width => document.querySelector('.bar.talks').getBoundingClientRect().width > width + 10", arg=before
    )
    keep(page, "training-2-talking")
    see(page, re.compile(r"You talked with Sophia for 1[4-6] s"))
    page.get_by_text("Hung up by Sophia.").wait_for()
    page.get_by_role("row", name=re.compile(r"Talked 1[4-6] s")).wait_for()
    duration, played = page.locator("audio").evaluate(PLAYS)
    assert 1 < duration < 15, "it began after both notices"
    assert played >= 0.3
    rows = page.locator(".steps tbody tr:not(.open)")
    assert rows.locator("code").all_inner_texts() == [
        *("callout", "alerting", "answer", "callout", "answer"),
        *("disconnect", "fee"),
    ]
    lags = [float(text.removesuffix(" s")) for text in page.locator(".steps [data-label=Lag]").all_inner_texts()[:-1]]
    assert all(0 <= lag < 10 for lag in lags)
    assert page.locator(".bar.records").count() == 1
    assert jumps(page) < STABLE
    keep(page, "training-3-over")
    page.emulate_media(color_scheme="dark")
    keep(page, "training-3-over-dark")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Your phone is ringing", "before Sophia is called"),
        ("Sophia’s phone is being called", "while her phone rings"),
        ("You are connected", "in the talk"),
    ],
    ids=["caller_rings", "callee_rings", "in_talk"],
)
def test_the_stop_button_works_in_every_phase(open_page, phone, keep, words, said, request):
    phone("+12025550111", answers(4.0, leaves_after_peer=1.0))
    phone(SOPHIA.number, answers(4.0))
    page = open_page()
    ask_for_a_call(page)
    see(page, words)
    page.get_by_role("button", name="End the call").press("Enter")
    see(page, "The call was stopped from this page.")
    page.get_by_text("8017: stopped").wait_for()
    assert page.get_by_role("button", name="End the call").count() == 0, said
    assert jumps(page) < STABLE
    keep(page, f"stopped-{request.node.callspec.id}")


@pytest.mark.parametrize(
    ("number", "behaviour", "said"),
    [
        ("+1 202 555 0140", busy(), "Your phone was busy."),
        ("+1 202 555 0170", None, "Your phone could not be reached."),
    ],
)
def test_a_call_that_fails_says_why(open_page, phone, number, behaviour, said, keep):
    page = open_page()
    ask_for_a_call(page, number, record=True)
    page.locator(OVER).wait_for()
    see(page, said) if behaviour else see(page, "Your number does not exist")
    page.get_by_text("Nothing was recorded").wait_for()
    page.get_by_role("row", name="Talked not at all").wait_for()
    keep(page, f"failed-{number[-4:]}")


def test_a_wrong_number_is_told_beside_the_field(open_page, keep):
    page = open_page()
    field = page.get_by_label("Your phone number")
    field.fill("202 555 0111")
    field.press("Enter")
    fault = page.locator("#number-wrong", has_text="Begin with +")
    fault.wait_for()
    assert field.input_value() == "202 555 0111"
    assert field.get_attribute("aria-invalid") == "true"
    assert page.evaluate("document.activeElement.id") == "number"
    under, beside = fault.bounding_box(), field.bounding_box()
    assert 0 <= under["y"] - (beside["y"] + beside["height"]) < 20
    keep(page, "wrong-number")


def test_a_number_that_the_platform_refuses(open_page, keep):
    """Whole enough for the site; the platform knows how long this country's numbers are."""
    page = open_page()
    page.get_by_label("Your phone number").fill("+1 202 555 01")
    page.get_by_role("button", name="Call me back").click()
    page.locator("#number-wrong", has_text="The platform does not call this number").wait_for()
    assert page.url.endswith("/calls")
    keep(page, "refused-number")


def test_with_the_keyboard_alone(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(40):
        if page.evaluate("document.activeElement.id") == "number":
            break
        page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.type("+12025550140")
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/*")
    see(page, "Your phone was busy.")


def test_without_scripts_the_page_loads_again_by_itself(open_page):
    page = open_page(java_script_enabled=False)
    ask_for_a_call(page, "+1 202 555 0140")
    page.locator(".now", has_text="Your phone was busy.").wait_for()
    page.get_by_role("row", name="Talked not at all").wait_for()


@pytest.mark.parametrize("path", ["/", "/rides", "/courier", "/homes"])
def test_a_narrow_screen(open_page, keep, path):
    page = open_page(path, width=360, height=740)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = page.locator("button:visible, a.button:visible").evaluate_all(
        "all => all.filter(each => each.getBoundingClientRect().height < 36).map(each => each.textContent)"
    )
    assert small == []
    keep(page, f"narrow{path.replace('/', '-')}")


def test_a_whole_call_on_a_narrow_screen(open_page, keep):
    page = open_page(width=360, height=740)
    ask_for_a_call(page, record=True)
    see(page, "You are connected")
    keep(page, "narrow-live")
    see(page, "You talked with Sophia")
    page.locator("audio").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert jumps(page) < STABLE
    keep(page, "narrow-over")


def test_if_the_stream_fails_the_page_asks(open_page, site):
    page = open_page()
    page.route("**/stream", lambda route: route.abort())
    ask_for_a_call(page, "+1 202 555 0140")
    see(page, "Your phone was busy.")


class TestTheOtherBusinesses:
    def test_a_driver_calls_a_passenger_whose_number_stays_hidden(self, open_page, phone, keep):
        amara = RIDES.contacts[0]
        phone(amara.number, answers(1.0, talks=2.0))
        page = open_page("/rides")
        keep(page, "rides")
        page.get_by_role("button", name=f"Call {amara.name}").click()
        see(page, "You talked with Amara")
        page.get_by_text("The record as it was sent").click()
        shown = page.locator("main").inner_text().replace("\N{NO-BREAK SPACE}", "").replace(" ", "")
        assert amara.number not in shown
        assert amara.number not in page.content()

    def test_a_courier_scans_a_parcel(self, open_page, phone, keep):
        """A scanner types the digits, and Enter."""
        dana = COURIER.contacts[0]
        phone(dana.number, answers(1.0, talks=2.0))
        page = open_page("/courier")
        keep(page, "courier")
        page.keyboard.type("123")
        page.keyboard.press("Enter")
        page.locator("#ref-wrong", has_text="No order has the code 123").wait_for()
        keep(page, "courier-wrong")
        page.get_by_label("Code on the parcel").fill("")
        page.get_by_label("Code on the parcel").focus()
        page.keyboard.type(dana.ref)
        page.keyboard.press("Enter")
        see(page, "You talked with Dana Ortiz")

    def test_an_agent_follows_up_leads_and_sees_what_came_of_each(self, open_page, phone, keep):
        phone("+12025550134", answers(1.0, talks=2.0))
        phone("+12025550143", busy())
        page = open_page("/homes")
        for name in ("Grace Bell", "Hugo Lang"):
            page.get_by_role("button", name=f"Call {name}").click()
            page.locator(OVER).wait_for()
            page.locator(".record .group").first.wait_for()
            page.get_by_role("link", name="Back").click()
        outcomes = page.locator(".outcome").all_inner_texts()
        assert outcomes[0].startswith("talked for 2 s")
        assert outcomes[1].startswith("not reached"), "the network does not say that a callee is busy"
        assert outcomes[2:] == ["not called yet"] * 2
        keep(page, "homes")

    def test_a_passenger_who_never_answers_can_be_stopped(self, open_page, phone):
        bruno = RIDES.contacts[2]
        phone(bruno.number, never_answers())
        page = open_page("/rides")
        page.get_by_role("button", name=f"Call {bruno.name}").click()
        see(page, f"{bruno.name}’s phone is being called")
        page.get_by_role("button", name="End the call").click()
        see(page, "The call was stopped from this page.")
