"""All states of a world, breadth first, so that the story of a violation is a shortest one; or random walks."""

import random
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field

from tests.model import rules
from tests.model.how import How
from tests.model.invocations import Next
from tests.model.parts import Setting
from tests.model.words import told
from tests.model.world import World

_SHARE_OF_FAULTS = 0.1
"""How often a walk considers faults too."""
_NO_LIMIT = 1 << 62


@dataclass
class Found:
    """What was found.

    `states`: the different ones; of walks, all that they came to. `ends`: how many of the states that nothing must
    follow, by the reason of the call's end. `stories`: by violation.
    """

    setting: Setting
    states: int = 0
    steps: int = 0
    seconds: float = 0.0
    is_complete: bool = False
    is_random: bool = False
    ends: Counter[str] = field(default_factory=Counter)
    stories: dict[str, list[str]] = field(default_factory=dict)


class _Explored:
    """The graph: by number of a state, the one it was reached from, and the ones that must follow."""

    def __init__(self, first: int) -> None:
        self.numbers = {first: 0}
        self.states = [first]
        self.parents = array("q", [-1])
        self.musts, self.offsets = array("q"), array("q", [0])

    def add(self, number: int, following: list[Next]) -> bool:
        """What follows a state. Whether something must."""
        for after, how, _, _ in following:
            at = self.numbers.get(after)
            if at is None:
                at = self.numbers[after] = len(self.states)
                self.states.append(after)
                self.parents.append(number)
            if how is How.MUST:
                self.musts.append(at)
        self.offsets.append(len(self.musts))
        return self.offsets[-1] > self.offsets[-2]

    def path(self, number: int) -> list[int]:
        path = []
        while number >= 0:
            path.append(self.states[number])
            number = self.parents[number]
        return path[::-1]

    def endless(self) -> list[int]:
        """The numbers of the states from which what must happen leads to no end."""
        offsets, musts = self.offsets, self.musts
        good = bytearray(offsets[number] == offsets[number + 1] for number in range(len(self.states)))
        changed = True
        while changed:
            changed = False
            for number in range(len(good) - 1, -1, -1):
                if not good[number] and any(good[after] for after in musts[offsets[number] : offsets[number + 1]]):
                    good[number] = changed = True
        return [number for number, is_good in enumerate(good) if not is_good]


def explore(
    setting: Setting,
    *,
    most: int = _NO_LIMIT,
    seconds: float = float("inf"),
    first_only: bool = False,
    shortcuts: bool = True,
) -> Found:
    """All states, unless there are more than `most` or it takes longer; `first_only`: up to the first violation."""
    began = time.monotonic()
    world, found = World(setting, shortcuts=shortcuts), Found(setting)
    graph = _Explored(world.parts.start)
    number = 0
    while number < len(graph.states):
        state = graph.states[number]
        following = world.following(state)
        found.steps += len(following)
        if not graph.add(number, following):
            found.ends[str(world.parts.row(state).call.ending)] += 1
        for wrong, path in _wrong(world, state, following):
            if wrong not in found.stories:
                found.stories[wrong] = told(world, [*graph.path(number), *path])
        number += 1
        too_late = number % 256 == 0 and time.monotonic() - began > seconds
        if too_late or len(graph.states) > most or (first_only and found.stories):
            break
    else:
        found.is_complete = True
        for endless in graph.endless():
            if rules.NEVER_ENDS not in found.stories and not world.is_excused(rules.NEVER_ENDS, graph.states[endless]):
                found.stories[rules.NEVER_ENDS] = told(world, graph.path(endless))
    found.states, found.seconds = len(graph.states), time.monotonic() - began
    return found


def walk(setting: Setting, seed: int, *, most: int = _NO_LIMIT, seconds: float = float("inf")) -> Found:
    """Random walks, each to an end of the call, up to the first violation."""
    began, chance = time.monotonic(), random.Random(seed)
    world, found = World(setting), Found(setting, is_random=True)
    while found.states < most and time.monotonic() - began < seconds and not found.stories:
        path = [world.parts.start]
        while following := world.following(path[-1]):
            found.states, found.steps = found.states + 1, found.steps + len(following)
            for wrong, more in _wrong(world, path[-1], following):
                found.stories.setdefault(wrong, told(world, [*path, *more]))
            regular = [each for each in following if each[1] in (How.MUST, How.MAY)]
            path.append(chance.choice(following if chance.random() < _SHARE_OF_FAULTS else regular or following)[0])
        found.ends[str(world.parts.row(path[-1]).call.ending)] += 1
        for wrong, _ in _wrong(world, path[-1], []):
            found.stories.setdefault(wrong, told(world, path))
    found.seconds = time.monotonic() - began
    return found


def _wrong(world: World, state: int, following: list[Next]) -> list[tuple[str, list[int]]]:
    """The rules that are broken by a state, or by a step from it; and the step."""
    found = [(wrong, [after]) for after, _, _, wrong in following if wrong is not None]
    found += [(wrong, []) for wrong in world.wrong_at(state, following)]
    return [(wrong, path) for wrong, path in found if not world.is_excused(wrong, state)]
