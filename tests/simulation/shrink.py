"""Reduces a failing world to what its failure needs, by delta debugging over the parts of its plan.

A part is an item, one of its faults, its network's switches, one of its stops, an outage of an SP, a service that is
away, or a fault of the sweeper. Their names make the argument ONLY of `make simulate`: `2:35,35f0,35w,o1` is of world 2
item 35 with its first fault and its switches, and outage 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.simulation.plan import Callback, Item, Repoint, World

_OF_THE_WORLD = "oax"
Fails = Callable[[World], bool]


def parts(world: World) -> list[str]:
    found: list[str] = []
    for item in world.items:
        found.append(f"{item.number}")
        found += [f"{item.number}f{place}" for place in range(len(item.faults))]
        if not isinstance(item, Repoint) and item.switches:
            found.append(f"{item.number}w")
        if isinstance(item, Callback):
            found += [f"{item.number}s{place}" for place in range(len(item.stops))]
    found += [f"o{place}" for place in range(len(world.outages))]
    found += [f"a{place}" for place in range(len(world.away))]
    return found + [f"x{place}" for place in range(len(world.sweep_faults))]


def only(world: World, kept: Sequence[str]) -> World:
    """The world with these parts alone."""
    names = set(kept)
    return replace(
        world,
        items=tuple(_only(item, names) for item in world.items if str(item.number) in names),
        outages=tuple(each for place, each in enumerate(world.outages) if f"o{place}" in names),
        away=tuple(each for place, each in enumerate(world.away) if f"a{place}" in names),
        sweep_faults=tuple(each for place, each in enumerate(world.sweep_faults) if f"x{place}" in names),
    )


def _only(item: Item, names: set[str]) -> Item:
    faults = tuple(each for place, each in enumerate(item.faults) if f"{item.number}f{place}" in names)
    if isinstance(item, Repoint):
        return replace(item, faults=faults)
    switches = item.switches if f"{item.number}w" in names else ()
    if isinstance(item, Callback):
        stops = tuple(each for place, each in enumerate(item.stops) if f"{item.number}s{place}" in names)
        return replace(item, faults=faults, switches=switches, stops=stops)
    return replace(item, faults=faults, switches=switches)


def shrink(world: World, about: Sequence[int], fails: Fails, tries: int = 300) -> list[str]:
    """The names of the parts that are left. `about`: items that the failure names. `tries`: worlds played at most."""
    everything = parts(world)
    kept = everything
    near = {
        of for item in world.items if item.number in about for of in (item.number, getattr(item, "of", item.number))
    }
    guess = [name for name in everything if name[0] in _OF_THE_WORLD or _item_of(name) in near]
    if about and fails(only(world, guess)):
        kept = guess
    chunk = max(1, len(kept) // 2)
    while tries > 0:
        removed = False
        for start in range(0, len(kept), chunk):
            candidate = kept[:start] + kept[start + chunk :]
            names = set(candidate)
            candidate = [name for name in candidate if name[0] in _OF_THE_WORLD or str(_item_of(name)) in names]
            tries -= 1
            if fails(only(world, candidate)):
                kept, removed = candidate, True
                break
            if tries <= 0:
                return kept
        if not removed and chunk == 1:
            return kept
        chunk = chunk if removed else max(1, chunk // 2)
        chunk = min(chunk, max(1, len(kept) // 2))
    return kept


def _item_of(name: str) -> int:
    digits = "".join(letter if letter.isdigit() else " " for letter in name).split()
    return int(digits[0])
