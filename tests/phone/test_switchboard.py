"""Directory, pages and calls on the switchboard; what goes to the station and what each page is told."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from lab.phones.browser.page import Page
from lab.phones.browser.switchboard import TAKEN, Switchboard

JACK, SOPHIA, SHOWN = "+12025550111", "+12025550122", "+12025550100"


class MediaThread:
    """Remembers what is joined to what."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    def add(self, leg: str, audio: object) -> None:
        self.done.append(("add", leg))

    def remove(self, leg: str) -> None:
        self.done.append(("remove", leg))

    def join(self, leg: str, other: str) -> None:
        self.done.append(("join", leg, other))


class World:
    """A switchboard whose station does nothing but remember; make it on a loop."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []
        self.told: list[tuple[str, str]] = []
        self.media = MediaThread()
        self.closed: list[tuple[Page, int]] = []
        self.dialling = asyncio.Event()
        self.dialling.set()
        self.switchboard = Switchboard(
            self.media, self._order, lambda event: self.told.append((event["event"], event["number"])), "127.0.0.1:5060"
        )

    async def _order(self, command: dict[str, Any]) -> None:
        if command["do"] == "dial":
            await self.dialling.wait()
        self.commands.append(command)

    def page(self, number: str = JACK) -> Page:
        page = Page(number, lambda code, why: self.closed.append((page, code)))
        self.switchboard.connect(page)
        return page

    async def rings(self, leg: str = "in-1", number: str = JACK) -> None:
        sip = {"from": f"<sip:{SHOWN}@127.0.0.1:5060>;tag=1", "to": f"<sip:{number}@127.0.0.1:5071>"}
        self.switchboard.handle_event({"event": "incoming", "leg": leg, **sip})
        await turn()

    async def talks(self, leg: str = "in-1") -> None:
        self.switchboard.handle_event({"event": "answered", "leg": leg})
        await turn()

    async def ends(self, leg: str = "in-1", code: int = 0) -> None:
        self.switchboard.handle_event({"event": "ended", "leg": leg, "code": code, "by": "self"})
        await turn()

    def ordered(self) -> list[tuple[str, str]]:
        return [(command["do"], command["leg"]) for command in self.commands]


def said(page: Page) -> list[dict[str, Any]]:
    """All it was told so far."""
    return [json.loads(words) for words in page._messages]


def words(page: Page) -> list[str]:
    return [each["say"] for each in said(page)]


async def turn() -> None:
    """Let the tasks of the switchboard run."""
    for _ in range(5):
        await asyncio.sleep(0)


def on_a_loop(story: Callable) -> Callable:
    """A test that plays on a loop of its own."""

    def test(*_: object) -> None:
        async def play() -> None:
            await story(World())

        asyncio.run(play())

    test.__doc__ = story.__doc__
    return test


# -- numbers
@on_a_loop
async def test_on_and_off_twice(world):
    for _ in range(2):
        page = world.page()
        world.switchboard.assigned(JACK)
        assert words(page) == ["on"]
        world.switchboard.disconnect(page)
        world.switchboard.disconnect(page)
    assert world.told == [("assign", JACK), ("release", JACK)] * 2


@on_a_loop
async def test_the_newer_page_has_the_number(world):
    older, newer = world.page(), world.page()
    assert world.closed == [(older, TAKEN)]
    world.switchboard.disconnect(older)  # its socket closes
    assert ("release", JACK) not in world.told
    await world.rings()
    assert (words(older), words(newer)) == ([], ["rings"])


@on_a_loop
async def test_the_older_page_hangs_up(world):
    world.page()
    await world.rings()
    await world.talks()
    world.page()
    await turn()
    assert world.ordered() == [("hangup", "in-1")]


@on_a_loop
async def test_two_numbers_are_two_phones(world):
    jack, sophia = world.page(), world.page(SOPHIA)
    await world.rings("in-1", SOPHIA)
    await world.rings("in-2", JACK)
    assert [each["call"] for each in said(jack) + said(sophia)] == ["in-2", "in-1"]
    world.switchboard.disconnect(jack)
    assert world.told[-1] == ("release", JACK)


@on_a_loop
async def test_what_is_lent_to_a_page_that_has_gone_is_nobodys(world):
    world.switchboard.assigned(JACK)
    await world.rings()
    assert world.ordered() == [("hangup", "in-1")]


# -- ringing
@on_a_loop
async def test_it_shows_the_number_it_is_called_from(world):
    page = world.page()
    await world.rings()
    assert said(page) == [{"say": "rings", "call": "in-1", "shown": SHOWN}]


@on_a_loop
async def test_who_calls_an_engaged_page_finds_it_busy(world):
    page = world.page()
    await world.rings("in-1")
    await world.rings("in-2")
    assert world.ordered() == [("hangup", "in-2")]
    await world.ends("in-2", 487)
    assert words(page) == ["rings"]


@on_a_loop
async def test_answered_twice(world):
    page = world.page()
    await world.rings()
    for _ in range(2):
        world.switchboard.answer(page, "in-1")
    await turn()
    assert world.ordered() == [("answer", "in-1")]


@on_a_loop
async def test_a_late_click_means_the_call_it_saw(world):
    """The first caller gave up in that moment, and another calls."""
    page = world.page()
    await world.rings("in-1")
    await world.ends("in-1", 487)
    await world.rings("in-2")
    world.switchboard.answer(page, "in-1")
    world.switchboard.hangup(page, "in-1")
    world.switchboard.press(page, "in-1", "5")
    await turn()
    assert world.ordered() == []


@on_a_loop
async def test_nobody_answers_for_another_page(world):
    world.page()
    sophia = world.page(SOPHIA)
    await world.rings("in-1", JACK)
    for do in (world.switchboard.answer, world.switchboard.hangup):
        do(sophia, "in-1")
    world.switchboard.press(sophia, "in-1", "1")
    await turn()
    assert world.ordered() == []


@on_a_loop
async def test_ended_twice(world):
    page = world.page()
    await world.rings()
    await world.ends()
    await world.ends()
    assert words(page) == ["rings", "ended"]


# -- talking
@on_a_loop
async def test_sound_from_the_answer_to_the_end(world):
    page = world.page()
    await world.rings()
    assert (page.audio, world.media.done) == (None, [])
    await world.talks()
    assert page.audio
    await world.ends()
    assert page.audio is None
    assert world.media.done == [("add", "page-in-1"), ("join", "in-1", "page-in-1"), ("remove", "page-in-1")]


@on_a_loop
async def test_early_sound_is_joined_once(world):
    page = world.page()
    world.switchboard.dial(page, SHOWN)
    await turn()
    for event in ("ringing", "progress", "answered"):
        world.switchboard.handle_event({"event": event, "leg": "out-1"})
    assert words(page) == ["calling", "ringing", "answered"]
    assert [each[0] for each in world.media.done] == ["add", "join"]


@pytest.mark.parametrize(("digit", "sent"), [("7", True), ("#", True), ("*", True), ("A", False), ("12", False)])
def test_keys(digit, sent):
    async def story(world):
        page = world.page()
        await world.rings()
        await world.talks()
        world.switchboard.press(page, "in-1", digit)
        await turn()
        assert world.commands == ([{"do": "press", "leg": "in-1", "digits": digit}] if sent else [])

    on_a_loop(story)()


@on_a_loop
async def test_a_page_that_goes_hangs_up(world):
    page = world.page()
    await world.rings()
    await world.talks()
    world.switchboard.disconnect(page)
    world.switchboard.disconnect(page)
    await turn()
    assert world.ordered()[0] == ("hangup", "in-1")
    await world.ends()
    assert world.media.done[-1] == ("remove", "page-in-1")


# -- dialling
@pytest.mark.parametrize(("withhold", "caller_id"), [(False, JACK), (True, "anonymous")])
def test_a_display_number_is_called_at_the_network(withhold, caller_id):
    async def story(world):
        page = world.page()
        world.switchboard.dial(page, SHOWN, withhold=withhold)
        await turn()
        (command,) = world.commands
        assert (command["caller_id"], command["uri"]) == (caller_id, f"sip:{SHOWN}@127.0.0.1:5060")
        await world.ends("out-1", 486)
        assert said(page)[-1] == {"say": "ended", "call": "out-1", "code": 486, "by": "self"}

    on_a_loop(story)()


@pytest.mark.parametrize("number", ["", "911", "+", "sip:a@b", "+1202555010;x=y", "+0123"])
def test_what_is_no_number(number):
    async def story(world):
        page = world.page()
        world.switchboard.dial(page, number)
        await turn()
        assert (words(page), world.commands) == (["refused"], [])

    on_a_loop(story)()


@on_a_loop
async def test_twice_is_one_call(world):
    page = world.page()
    for _ in range(2):
        world.switchboard.dial(page, SHOWN)
    await turn()
    assert (words(page), world.ordered()) == (["calling", "refused"], [("dial", "out-1")])


@on_a_loop
async def test_a_page_that_goes_while_it_dials_hangs_up_after_the_dial(world):
    page = world.page()
    world.dialling.clear()
    world.switchboard.dial(page, SHOWN)
    await turn()
    world.switchboard.disconnect(page)
    await turn()
    world.dialling.set()
    await turn()
    assert world.ordered() == [("dial", "out-1"), ("hangup", "out-1")]
