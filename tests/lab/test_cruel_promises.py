"""`make cruel` says of each promise that it was broken where it was: one callback, with one thing wrong at a time."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from lab.cruel.calls import PlayedCallback
from lab.cruel.mix import STORIES, Planned
from lab.cruel.promises import Promise, SpView, of_calls
from lab.cruel.sp_process import ACKNOWLEDGED, Post

SESSION, CALLER, CALLEE = "1_2_3_20261123090000@h", "+12025550111", "+12025550122"
KINDS = {2: "callout", 3: "disconnect", 4: "fee"}
"""What the SP is told, by sequence."""


class Run:
    """What is left of a run in which one callback was played and every promise kept."""

    def __init__(self) -> None:
        self.played = [PlayedCallback(Planned("key", CALLER, CALLEE, STORIES[0], "sp"), SESSION)]
        self.events = [self.event(number) for number in KINDS]
        self.posts = [
            Post(float(number), f"id-{number}", number, KINDS[number], SESSION, True, ACKNOWLEDGED) for number in KINDS
        ]
        self.deliveries = [
            {"id": f"id-{number}", "state": "acknowledged", "attempts": [{"httpStatus": 200}]} for number in KINDS
        ]
        self.rang = {CALLER: 1, CALLEE: 1}

    def event(self, number: int, name: str = "") -> dict[str, Any]:
        kind, about = KINDS[number], {"sessionId": SESSION}
        body = {"feeLst": [about]} if kind == "fee" else {"statusInfo": about}
        return {"id": name or f"id-{number}", "sequence": number, "notification": {"eventType": kind, **body}}

    def post(self, number: int, **changed: Any) -> None:
        place = number - 2
        self.posts[place] = replace(self.posts[place], **changed)

    def checked(self) -> list[Promise]:
        sp: Any = SimpleNamespace(name="sp")
        views = [SpView(sp, self.events, self.posts, {SESSION: self.deliveries})]
        calls = {
            number: SimpleNamespace(calls=[SimpleNamespace(incoming=True)] * times)
            for number, times in self.rang.items()
        }
        lab: Any = SimpleNamespace(pstn=SimpleNamespace(exchange=SimpleNamespace(phones=calls)))
        return of_calls(lab, self.played, views)


BREAKS: dict[str, tuple[Callable[[Run], Any], str]] = {
    "a request that was never accepted": (lambda run: setattr(run.played[0], "session", ""), "request is accepted"),
    "two requests with one session": (lambda run: run.played.append(run.played[0]), "request is accepted"),
    "no CDR": (lambda run: run.events.pop(), "one end and one CDR"),
    "two ends": (lambda run: run.events.append(run.event(3, "another")), "one end and one CDR"),
    "a gap among the events": (lambda run: run.events.pop(0), "without a gap"),
    "a CDR that the SP never took": (lambda run: run.post(4, outcome="500"), "delivered at least once"),
    "a step of a leg that nobody told": (
        lambda run: run.deliveries[0].update(state="waiting"),
        "every event is delivered",
    ),
    "an acknowledgement that the SP does not know of": (lambda run: run.posts.pop(0), "every event is delivered"),
    "a notification of nothing": (lambda run: run.post(2, id="another"), "no event has two ids"),
    "a fact with two ids": (lambda run: run.events.append(run.event(2, "another")), "no event has two ids"),
    "first attempts out of order": (lambda run: run.post(2, at=9.0), "first attempts"),
    "a notification without a signature": (lambda run: run.post(3, signed=False), "signed"),
    "a caller who was called twice": (lambda run: run.rang.update({CALLER: 2}), "called twice"),
}


def test_where_nothing_is_wrong_every_promise_is_kept():
    made = Run().checked()
    assert [promise.what for promise in made if promise.broken] == []
    assert [promise.what for promise in made if not promise.cases] == ["every recording in a CDR can be downloaded"]


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_wrong_breaks_its_promise(name):
    run, (spoil, about) = Run(), BREAKS[name]
    spoil(run)
    [promise] = [promise for promise in run.checked() if about in promise.what]
    assert promise.broken


def test_every_promise_of_which_there_is_a_case_has_its_break():
    whats = [promise.what for promise in Run().checked() if promise.cases]
    assert [what for what in whats if not any(about in what for _, about in BREAKS.values())] == []
