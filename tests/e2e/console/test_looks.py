"""Every page of the console, in every state, as `look` judges it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.domain.notifying.endpoint_health import Circuit, EndpointHealth
from tests.call_control.stories import CALLER_DIALLED, CALLER_RANG, TALKING
from tests.console.world import FAILED, NOT_ANSWERED, TALKED, World, numbered, recorded
from tests.e2e.looks import look
from tests.samples import callback


@pytest.fixture
def furnished(world) -> dict[str, str]:
    """Calls of today and of a week ago, and the paths of some."""
    for minute in range(0, 150, 5):
        events = (FAILED, TALKED, NOT_ANSWERED)[minute // 5 % 3]
        world.place(*events, age=timedelta(minutes=20 + minute), rates=(4_000, 10_000))
        world.place(*TALKED, age=timedelta(days=7, minutes=minute - 60))
    numbers = {"caller": replace(callback().caller, number=numbered(187))}
    failed = world.place(*FAILED, age=timedelta(minutes=62), **numbers)
    world.fail(failed, len(world.calls.history(failed.id).facts) - 1)
    waits = world.place(*TALKED, age=timedelta(minutes=80))
    world.fail(waits, len(world.calls.history(waits.id).facts) - 1, waits=True, tries=2)
    made = world.remember(wants_recording=True, rates=(4_000, 10_000))
    talked = world.place(*TALKING[:5], recorded(10), *TALKED[5:], age=timedelta(minutes=18), **made)
    world.keep_memory(world.record(talked))
    rings = world.place(CALLER_DIALLED, CALLER_RANG, age=timedelta(seconds=9))
    up = world.place(*TALKING, age=timedelta(seconds=40))
    until = world.clock.now() + timedelta(minutes=2)
    world.calls.health["app-1"] = EndpointHealth({"https://sp.example.com": Circuit(6, until)})
    world.desk.note("console number", call=failed.id, app="app-1", detail="caller")
    world.calls.slots["app-1"] = {rings.id, up.id, *(str(each) for each in range(6))}
    return {name: f"/calls/{each.id}" for name, each in locals().items() if name in ("failed", "talked", "rings", "up")}


PAGES = {
    "overview": "/",
    "calls": "/calls",
    "undelivered": "/undelivered",
    "accounts": "/accounts",
    "memories": "/memories?display=%2B12025550101",
    "audit": "/audit",
    "codes": "/codes",
}


@pytest.mark.parametrize("name", PAGES)
def test_looks_of_a_page(open_page, furnished, name):
    look(open_page(PAGES[name]), f"console-{name}")


@pytest.mark.parametrize("width", [320, 390])
def test_every_page_can_be_reached_on_a_phone(open_page, world, width):
    """Without scrolling the links, which nothing would suggest."""
    page = open_page("/", width=width)
    ends = page.locator("nav a").evaluate_all("all => all.map(each => each.getBoundingClientRect().right)")
    assert len(ends) == 6
    assert max(ends) <= width


@pytest.mark.parametrize("name", ["failed", "talked", "rings", "up"])
def test_looks_of_a_call(open_page, furnished, name):
    page = open_page(furnished[name])
    look(page, f"console-call-{name}")
    assert page.locator(".bar text:visible").evaluate_all(WIDER) == []


WIDER = """texts => texts.filter(text => {
  const bar = text.previousElementSibling.getBoundingClientRect();
  return text.getBoundingClientRect().right > bar.right;
}).map(text => text.textContent)"""
"""Labels that are wider than their bar."""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "overview-empty"),
        ("/calls", "calls-empty"),
        ("/calls?text=9999", "calls-none"),
        ("/calls?text=x", "calls-wrong"),
        ("/undelivered", "undelivered-empty"),
        ("/audit", "audit-empty"),
        ("/nothing", "missing"),
    ],
)
def test_looks_of_what_is_empty_or_wrong(open_page, path, name):
    look(open_page(path), f"console-{name}")


def test_looks_of_a_store_that_does_not_answer(open_page, world: World):
    world.calls.out_of_reach = True
    look(open_page("/calls/1_2_3_20261123090000"), "console-unreachable")
