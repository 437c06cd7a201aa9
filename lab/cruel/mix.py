"""What the people and the SP of each callback do: a mix of ends, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pstn.lines.behaviours import (
    Behaviour,
    answers,
    busy,
    hangs_up_while_other_rings,
    invalid,
    never_answers,
    rejects,
)

Stop = Literal["caller rings", "callee rings", "in talk"]
AREAS = ("202", "303", "404", "415", "503", "602", "617", "713", "206", "305")
"""Each has a hundred numbers for fiction, of which the first ten are left to the account."""
_PAIRS = 45
MOST = len(AREAS) * _PAIRS


@dataclass(frozen=True)
class Story:
    """One callback. `returns`: then the called party dials the number that it was shown."""

    name: str
    caller: Behaviour
    callee: Behaviour
    weight: int = 1
    stop: Stop | None = None
    record: bool = False
    returns: bool = False


_soon = answers(0.5)
STORIES = (
    Story("talked", _soon, answers(0.5, talks=1.5), weight=4),
    Story("the caller leaves", answers(0.5, talks=1.5), _soon, weight=2),
    Story("recorded", _soon, answers(0.5, talks=9.0), record=True),
    Story("returned", _soon, answers(0.5, talks=1.5), returns=True, weight=2),
    Story("stopped while the caller rings", answers(4.0), _soon, stop="caller rings"),
    Story("stopped while the callee rings", _soon, answers(4.0), stop="callee rings"),
    Story("stopped in talk", _soon, _soon, stop="in talk"),
    Story("the caller is busy", busy(), _soon),
    Story("the caller declines", rejects(0.5), _soon),
    Story("the caller does not answer", never_answers(), _soon),
    Story("the callee is busy", _soon, busy()),
    Story("the callee declines", _soon, rejects(0.5)),
    Story("the callee does not answer", _soon, never_answers()),
    Story("the callee does not exist", _soon, invalid()),
    Story("the caller gives up", hangs_up_while_other_rings(1.0, answers_after=0.5), never_answers()),
)


@dataclass(frozen=True)
class Planned:
    """One callback to place: its key for idempotency, its two numbers, its story, and whose it is."""

    key: str
    caller: str
    callee: str
    story: Story
    sp: str


def planned(calls: int, seed: int, sps: tuple[str, ...]) -> Iterator[Planned]:
    """`calls` callbacks, at most MOST, each between two numbers of its own."""
    chance = random.Random(seed)  # noqa: S311 - it must be the same each time
    bag: list[Story] = []
    for number in range(calls):
        if not bag:
            bag = [story for story in STORIES for _ in range(story.weight)]
            chance.shuffle(bag)
        story, (area, pair) = bag.pop(), divmod(number, _PAIRS)
        caller, callee = (f"+1{AREAS[area]}55501{10 + 2 * pair + which}" for which in (0, 1))
        yield Planned(f"cruel-{seed}-{number}", caller, callee, story, sps[number % len(sps)])
