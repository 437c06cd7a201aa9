"""The page by itself, in front of a switchboard without SIP: what it shows, says, asks and remembers."""

from collections.abc import Iterator

import pytest

from tests.e2e.looks import look
from tests.e2e.phone.conftest import LOUDEST, see, switch_on
from tests.phone.test_server import Phone as Station

A, B, SHOWN = "+12025550111", "+12025550122", "+12025550100"
DEAF = "navigator.mediaDevices.getUserMedia = async () => { throw new Error('no microphone'); };"
NO_GESTURE = "AudioContext.prototype.resume = () => new Promise(() => {});"
"""As in a page that was loaded again and not clicked on yet."""
QUIET = f"""() => new Promise(done => {{
  const began = listener.context.currentTime;
  const listen = () => {{
    const seconds = listener.context.currentTime - began;
    if (seconds > 0.3 && ({LOUDEST})()) done(false); // what the analyser holds is not from before
    else seconds > 2.3 ? done(true) : setTimeout(listen, 50);
  }};
  listen();
}})"""
"""Whether nothing is heard for longer than the bell's own pause, by the time of the sound."""


@pytest.fixture
def station(browser) -> Iterator[Station]:
    station = Station()
    yield station
    station.close()


@pytest.fixture
def page_of(station, open_page):
    def open_one(number: str = A, **more):
        return open_page(f"http://127.0.0.1:{station.port}/?number={number.replace('+', '%2B')}", **more)

    return open_one


@pytest.fixture
def page(page_of):
    """Jack's, switched on."""
    page = page_of()
    switch_on(page)
    return page


def talk(page, station) -> None:
    station.rings()
    see(page, "is calling")
    page.get_by_role("button", name="Answer").click()
    station.wait(lambda: ("answer", "in-1") in station.commands)
    station.happens("answered")
    see(page, "Connected")


def dial(page, number: str) -> None:
    page.get_by_label("Number to call").fill(number)
    page.get_by_label("Number to call").press("Enter")


def off(page) -> None:
    page.get_by_role("button", name="Switch off").click()
    see(page, "Off.")


def test_on_and_off_twice(page_of, station):
    page = page_of()
    for _ in range(2):
        switch_on(page)
        offered = page.locator("aside").inner_text().replace("\N{NO-BREAK SPACE}", " ")
        assert "+1 202 555 0122" in offered
        assert "+1 202 555 0111" not in offered, "its own"
        off(page)
    station.wait(lambda: station.told == ["assign", "release"] * 2)


def test_which_number_it_is(page_of, station):
    page = page_of()
    for query, own in (
        ("", "+1 202 555 0111"),
        ("?number=+12025550122", "+1 202 555 0122"),
        ("?number=<b>44 20 7946 0000", "+442079460000"),
    ):
        page.goto(f"http://127.0.0.1:{station.port}/{query}")
        assert page.get_by_label("Which number").input_value().replace("\N{NO-BREAK SPACE}", " ") == own
    page.get_by_role("button", name="Sophia, 0122").click()
    assert page.get_by_label("Which number").input_value().endswith("0122")


def test_what_is_no_number_is_told(page_of):
    page = page_of()
    page.get_by_label("Which number").fill("0")
    page.get_by_role("button", name="Switch on").click()
    see(page, "the first message must have the number")
    page.get_by_label("Which number").fill("+1 202 555 0111")
    switch_on(page)
    dial(page, "0")
    page.get_by_role("alert").filter(has_text="begins with +").wait_for()


def test_of_two_tabs_the_older_says_that_it_is_off(page_of):
    older, newer = page_of(), page_of()
    switch_on(older)
    switch_on(newer)
    see(older, "Another page has this number now")
    switch_on(older)
    see(newer, "Another page has this number now")


def test_it_rings_for_eye_and_ear_and_is_quiet_once_answered(page, station):
    station.rings()
    see(page, "Callback service is calling")
    assert page.locator("#shown").inner_text().endswith(SHOWN[-4:])
    assert SHOWN[-4:] in page.title()
    assert page.evaluate("document.activeElement.id") == "answer"
    moves = "document.getAnimations().some(each => each.effect.target.contains(answer))"
    assert not page.evaluate(moves), "what is pressed stands still"
    page.wait_for_function(f"() => [660, 880].some(bell => Math.abs(({LOUDEST})() - bell) < 10)")
    page.get_by_role("button", name="Answer").click()
    station.happens("answered")
    see(page, "Connected")
    assert SHOWN[-4:] not in page.title()
    assert page.evaluate(QUIET)


def test_without_a_microphone_it_says_so(page_of, station):
    page = page_of(first=DEAF)
    switch_on(page)
    page.get_by_text("the other side hears silence").wait_for()
    talk(page, station)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 800)])
def test_a_call_can_be_ended_without_scrolling(page_of, station, width, height):
    page = page_of(width=width, height=height)
    switch_on(page)
    talk(page, station)
    assert page.get_by_role("button", name="star").is_visible(), "the keypad is open"
    button = page.get_by_role("button", name="Hang up").bounding_box()
    assert page.evaluate("scrollY") + button["y"] + button["height"] <= height


def test_the_keypad_in_a_call(page, station):
    """By mouse and by keyboard; what is pressed is sent once, in order."""
    talk(page, station)
    page.get_by_role("button", name="5", exact=True).click()
    page.get_by_role("button", name="hash").click()
    page.keyboard.press("9")
    assert page.locator("#pressed").inner_text() == "5#9"
    station.wait(lambda: station.digits == "5#9")


@pytest.mark.parametrize(
    ("answered", "clicks", "ended", "words"),
    [
        (False, "Decline", {"code": 487, "by": "self"}, "Declined: the caller gets a busy signal"),
        (False, None, {"code": 487, "by": "self"}, "They hung up before you answered"),
        (True, "Hang up", {"code": 0, "by": "self"}, "You hung up after 0:"),
        (True, None, {"code": 0, "by": "self"}, "They hung up after 0:"),
        (True, None, {"code": 0, "by": "network"}, "The connection was lost after 0:"),
    ],
)
def test_how_a_call_that_came_in_ended(page, station, answered, clicks, ended, words):
    if answered:
        talk(page, station)
    else:
        station.rings()
        see(page, "is calling")
    if clicks:
        page.get_by_role("button", name=clicks).click()
        station.wait(lambda: ("hangup", "in-1") in station.commands)
    station.happens("ended", **ended)
    see(page, words)
    assert words in page.locator("#calls li").inner_text()


def test_why_a_dialled_call_was_not_answered(page, station):
    """In the status and in the list, from which it is called again."""
    reasons = (
        (404, "Nobody has this number"),
        (408, "Nobody answered"),
        (480, "Nobody can be reached at this number now"),
        (486, "The line is busy, or they declined"),
        (603, "They declined"),
        (500, "The call failed (SIP 500)"),
    )
    for count, (code, words) in enumerate(reasons, 1):
        if count == 1:
            dial(page, SHOWN)
        else:
            page.get_by_role("button", name="again").first.click()
        see(page, "Calling")
        station.wait(lambda leg=f"out-{count}": ("dial", leg) in station.commands)
        station.happens("ringing", leg=f"out-{count}")
        see(page, "It rings there")
        station.happens("ended", leg=f"out-{count}", code=code, by="self")
        see(page, f"{words}.")
        assert words in page.locator("#calls li").first.inner_text()
        assert SHOWN[-4:] in page.locator("#calls li").first.inner_text(), "which of the display numbers"
    assert page.locator("#calls li").count() == 5


def test_a_reload_in_a_call_asks_and_then_comes_back_on(page_of, station):
    page = page_of(first=NO_GESTURE)
    switch_on(page)
    talk(page, station)
    answers = iter([False, True])
    asked = []

    def answer(dialog) -> None:
        asked.append(dialog.type)
        dialog.accept() if next(answers) else dialog.dismiss()

    page.on("dialog", answer)
    with page.expect_event("dialog"):
        page.evaluate("setTimeout(() => location.reload())")
    see(page, "Connected")
    assert ("hangup", "in-1") not in station.commands
    page.evaluate("setTimeout(() => location.reload())")
    see(page, "it rings here")
    assert asked == ["beforeunload"] * 2
    station.wait(lambda: ("hangup", "in-1") in station.commands)
    page.reload()
    see(page, "it rings here")
    off(page)
    page.reload()
    see(page, "This page becomes a telephone")
    assert asked == ["beforeunload"] * 2


def test_the_server_goes_in_a_call(page, station):
    talk(page, station)
    station.run(station.server.close())
    see(page, "The telephone server is gone")
    page.get_by_role("button", name="Switch on").wait_for()


def test_with_the_keyboard_alone(page_of, station):
    page = page_of()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "number"
    page.keyboard.press("Enter")
    see(page, "it rings here")
    station.rings()
    see(page, "is calling")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    station.happens("answered")
    see(page, "Connected")
    page.keyboard.press("Enter")
    station.wait(lambda: station.commands == [("answer", "in-1"), ("hangup", "in-1")])


def test_looks_of_every_state(page_of, station):
    page = page_of()

    def looks(state: str) -> None:
        look(page, f"phone-{state}")
        page.set_viewport_size({"width": 320, "height": 740})
        field = page.get_by_label("Number to call")
        assert not field.is_visible() or field.evaluate("each => each.scrollWidth <= each.clientWidth")

    looks("0-off")
    switch_on(page)
    looks("1-on")
    station.rings()
    see(page, "is calling")
    looks("2-rings")
    page.get_by_role("button", name="Answer").click()
    station.happens("answered")
    see(page, "Connected")
    looks("4-talks")
    station.happens("ended", code=0, by="self")
    see(page, "They hung up")
    dial(page, B)
    station.wait(lambda: ("dial", "out-1") in station.commands)
    looks("3-calls")
    station.happens("ended", leg="out-1", code=486, by="self")
    see(page, "The line is busy")
    page.get_by_text("Keypad").click()
    looks("5-over")
