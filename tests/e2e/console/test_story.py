"""The operator's bad day: a customer says that nobody called, an hour ago. One of 10,000 calls, found and explained."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.history import DeliveryState
from duologue.domain.calls.call import Phase
from tests.call_control.stories import CALLER_ANSWERED, CALLER_DIALLED, CALLER_RANG, TALKING, Story
from tests.console.world import FAILED, TALKED, World, numbered, recorded, shifted
from tests.samples import NOW, callback

MANY = 10_000
LISTEN = """audio => new Promise((heard, failed) => {
  audio.ontimeupdate = () => { if (audio.currentTime > 0.2) heard(); };
  audio.onerror = () => failed(audio.error);
  audio.muted = true;
  audio.play();
})"""


@pytest.fixture
def failed(world):
    """The call of an hour ago, whose end the SP was not told of, among all others."""
    world.fill(MANY)
    call = world.place(*FAILED, age=timedelta(hours=1), caller=replace(callback().caller, number=numbered(187)))
    world.fail(call, _end(world, call), tries=3)
    return call


def _end(world: World, call) -> int:
    """The sequence of the fact that the call ended."""
    return len(world.calls.history(call.id).facts) - 1


def test_a_failed_call_is_found_explained_and_told_again(open_page, world, failed):
    page = open_page("/calls")
    page.keyboard.press("/")
    page.keyboard.type("0187")
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls?text=0187*")
    assert page.locator("[data-row]").count() == 1
    page.get_by_role("button", name="••• 0187").click()
    page.get_by_role("button", name="+12025550187").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/calls/{failed.id}")
    page.keyboard.press("Escape")
    page.wait_for_url("**/calls?text=0187*")
    page.go_forward()
    assert page.locator("h1").inner_text() == "The caller's phone was busy. The callee was not rung."

    told = page.locator(f"li:has(#n{_end(world, failed)})")
    assert "undelivered" in told.inner_text()
    told.locator("summary").click()
    assert told.locator(".attempts > li").count() == 3
    assert told.locator(".attempts > li").first.inner_text().count("HTTP 503")
    told.get_by_role("button", name="Send again").click()
    page.get_by_role("status").filter(has_text="sent again within a minute").wait_for()
    page.wait_for_load_state()  # the keyboard is the script's
    delivery = world.calls.deliveries[failed.id, _end(world, failed)]
    assert (delivery.state, delivery.due) == (DeliveryState.WAITING, world.clock.now())

    assert [entry.kind for entry in world.audit.entries] == ["console number", "console retry-now"]
    page.keyboard.press("Escape")
    page.wait_for_url("**/calls")


def test_a_list_is_searched_and_walked_by_the_keyboard(open_page, world):
    for minute in range(3):
        world.place(*FAILED, age=timedelta(minutes=minute))
    page = open_page("/accounts")
    for keys in ("Control+k", "Meta+k", "/"):
        page.keyboard.press(keys)
        page.locator("#search:focus").wait_for()  # by the address, maybe before the script has run
        page.wait_for_load_state()
        assert page.url.endswith("/calls#search")
        page.keyboard.press("Escape")
        assert page.locator("#search:focus").count() == 0
    rows = page.locator("[data-row]")
    for key, expected in zip("jjkkj", (0, 1, 0, 0, 1), strict=True):
        page.keyboard.press(key)
        assert rows.nth(expected).evaluate("row => row === document.activeElement")


def test_a_call_prints_and_stands_still_where_that_is_asked_for(open_page, world):
    page = open_page(f"/calls/{world.place(*TALKING, age=timedelta(seconds=20)).id}")
    dot = "getComputedStyle(document.querySelector('.tag.live'), '::before').animationName"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(dot) == "live"
    page.emulate_media(reduced_motion="reduce", media="print")
    assert page.evaluate(dot) == "none"
    assert page.locator("h1").is_visible()
    assert page.locator("g.bar.talks").first.is_visible()
    for hidden in ("header", "form", "footer", "#detail"):
        assert not page.locator(hidden).first.is_visible(), hidden


def test_the_time_line_gives_the_time_and_the_payload_of_what_is_pointed_at(open_page, failed):
    page = open_page(f"/calls/{failed.id}")
    page.locator("g.bar.rings").focus()
    assert "the caller's phone rings, 7 s" in page.locator("#detail strong").inner_text()
    page.locator("g.mark.open").last.hover()
    assert "(try 3): not acknowledged, HTTP 503" in page.locator("#detail strong").inner_text()
    assert "reply: down" in page.locator("#detail pre").inner_text()
    assert sum(page.evaluate("window.shifts")) < 0.01


def test_a_recording_is_listened_to(open_page, world):
    events = (*TALKING[:5], recorded(10), *TALKED[5:])
    call = world.record(world.place(*events, age=timedelta(minutes=20), wants_recording=True))
    page = open_page(f"/calls/{call.id}")
    page.locator("audio").evaluate(LISTEN)
    assert page.locator("audio").evaluate("audio => Math.round(audio.duration)") == 3
    assert [(entry.kind, entry.call) for entry in world.audit.entries] == [("console play", call.id)]


def test_a_call_that_is_up_is_followed_and_stopped(open_page, world):
    call = world.place(CALLER_DIALLED, CALLER_RANG, age=timedelta(seconds=2))
    page = open_page(f"/calls/{call.id}")
    heading = page.locator("h1")
    assert heading.inner_text() == "The caller is being called, for 2 s."
    page.locator("g.bar.rings").focus()
    page.evaluate("window.same = true")

    by = world.clock.now() - timedelta(seconds=2) - NOW
    answered = shifted(Story(CALLER_DIALLED, CALLER_RANG, CALLER_ANSWERED).call, by)
    world.clock.advance(3)
    world.calls.change(call.id, caller=answered.caller)
    heading.filter(has_text="The caller has answered and waits, for 2 s.").wait_for()
    assert page.evaluate("window.same"), "it was not loaded again"
    assert "the caller's phone rings" in page.locator("#detail strong").inner_text(), "what was read stays"
    assert re.fullmatch(r"live, \d\d:\d\d:\d\d", page.locator("#state").inner_text())
    assert sum(page.evaluate("window.shifts")) < 0.01

    page.get_by_role("button", name="Stop the call").click()
    page.get_by_role("status").filter(has_text="The call is being stopped.").wait_for()
    assert world.calls.load(call.id).call.phase is Phase.ENDING
    assert [entry.kind for entry in world.audit.entries] == ["console stop"]


def test_tabs_that_nobody_looks_at_keep_no_connection(open_page, world, console):
    """A browser has six for all tabs of a server. Without a screen it takes no tab for hidden, so the page is told."""
    call = world.place(*TALKING, age=timedelta(seconds=20))
    first = open_page(f"/calls/{call.id}")
    tabs = [first, *(first.context.new_page() for _ in range(7))]
    for tab in tabs:
        tab.goto(f"{console}/calls/{call.id}", timeout=20_000)
        tab.locator("#state").filter(has_text="live,").wait_for()
        tab.evaluate(HIDE, True)
    first.evaluate("document.querySelector('#state').textContent = ''")
    first.evaluate(HIDE, False)
    first.locator("#state").filter(has_text="live,").wait_for()


HIDE = """hidden => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_lost_connection_and_a_store_that_does_not_answer_are_said(open_page, world):
    call = world.place(*TALKING, age=timedelta(seconds=20))
    page = open_page(f"/calls/{call.id}")
    state = page.locator("#state")
    state.filter(has_text="live,").wait_for()
    world.calls.out_of_reach = True
    state.filter(has_text="This was known at").wait_for()
    world.calls.out_of_reach = False
    state.filter(has_text="live,").wait_for()
    assert page.locator("h1").inner_text().startswith("They have been talking")
