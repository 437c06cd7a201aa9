"""Play the simulation (`make simulate CALLS=10000 SEED=1`) or a part of it (`make simulate SEED=1 ONLY=2:35,35f0`).

Prints the mix of faults, the calls per second of this core, and the longest legs that outlived their peers. A broken
promise is printed as the shortest story that still breaks it, with the command that plays it again; then the exit code
is 1.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from tests.journeys.line import START
from tests.simulation import plan
from tests.simulation.invariants import Invariants
from tests.simulation.shrink import only, parts, shrink
from tests.simulation.world import Say, Simulation, Wrong


class Figures:
    """Of all worlds that were played."""

    def __init__(self) -> None:
        self.calls = self.met = self.items = 0
        self.faults: Counter[str] = Counter()
        self.switches: Counter[str] = Counter()
        self.longest: dict[str, tuple[float, str]] = {}
        self.seconds = 0.0

    def add(self, sim: Simulation, check: Invariants, seconds: float) -> None:
        self.calls += sim.plan.calls
        self.items += len(sim.plan.items)
        self.seconds += seconds
        disturbed = {of for of, _ in sim.struck if of is not None}
        for item in sim.plan.items:
            for name, value in getattr(item, "switches", ()):
                disturbed.add(item.number)
                self.switches[f"{name}={_shown(value)}"] += 1
        self.met += len(disturbed)
        for _, fault in sim.struck:
            self.faults[f"{fault.function}: {fault.how.value}"] += 1
        for which, (lasted, item_number) in check.longest.items():
            if lasted > self.longest.get(which, (0.0, ""))[0]:
                self.longest[which] = lasted, f"world {sim.plan.world}, item {item_number}"

    def __str__(self) -> str:
        lines = [f"{self.met} of {self.items} items met a fault or an odd network; faults that struck:"]
        lines += [f"  {count:6} {name}" for name, count in self.faults.most_common()]
        lines += ["networks that were set otherwise:"]
        lines += [f"  {count:6} {name}" for name, count in self.switches.most_common()]
        lines += ["the longest leg that outlived its peer:"]
        lines += [f"  {lasted:8.1f} s  {which} ({where})" for which, (lasted, where) in sorted(self.longest.items())]
        lines += [f"{self.calls} calls, {self.calls / max(self.seconds, 0.001):.0f} a second of one core"]
        return "\n".join(lines)


def _shown(value: object) -> str:
    return "+".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def play(world: plan.World, check: Invariants | None = None, say: Say | None = None) -> Wrong | None:
    """The promise that is broken in a world, if one is."""
    try:
        (check or Invariants()).watch(Simulation(world, say=say)).run()
    except Wrong as wrong:
        return wrong
    return None


def story(world: plan.World) -> list[str]:
    """One line for each event."""
    lines: list[str] = []

    def say(at: datetime, item: int | None, text: str) -> None:
        lines.append(f"{(at - START).total_seconds():10.3f}  {'' if item is None else item:>4}  {text}")

    wrong = play(world, say=say)
    return [*map(str, world.items), *map(str, (*world.outages, *world.away)), *lines, f"broken: {wrong}"]


def explain(world: plan.World, wrong: Wrong) -> None:
    def fails(candidate: plan.World) -> bool:
        found = play(candidate)
        return found is not None and found.invariant == wrong.invariant

    kept = shrink(world, wrong.items, fails)
    print(f"\nBROKEN in world {world.world}: {wrong}\nThe shortest story of it:", flush=True)
    print("\n".join(story(only(world, kept))))
    print(f'\nAgain: make simulate SEED={world.seed} ONLY="{world.world}:{",".join(kept)}"', flush=True)


def profiled(stats: pstats.Stats) -> str:
    """The share of each package and of the costliest functions in the time of a world."""
    taken: dict[tuple[str, int, str], float] = {name: each[2] for name, each in stats.stats.items()}  # type: ignore[attr-defined]
    total, packages = sum(taken.values()), Counter[str]()
    for (file, _, _), seconds in taken.items():
        packages[_package(file)] += seconds  # type: ignore[assignment]
    lines = [f"{seconds / total:6.1%}  {package}" for package, seconds in packages.most_common(12)]
    costly = sorted(taken.items(), key=lambda each: -each[1])[:12]
    return "\n".join(
        [*lines, "", *(f"{each / total:6.1%}  {_package(file)} {name}" for (file, _, name), each in costly)]
    )


def _package(file: str) -> str:
    parts = file.removesuffix(".py").split("/")
    for root in ("site-packages", "duologue", "pstn", "tests", "functions"):
        if root in parts:
            return ".".join(parts[parts.index(root) :][:3])
    return "Python" if file != "~" else "built in"


def main(words: Sequence[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(prog="make simulate")
    arguments.add_argument("--calls", type=int, default=1000, help="at least; worlds are played whole (1000)")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--profile", action="store_true", help="where the time goes, by module")
    arguments.add_argument("--only", default="", help="WORLD, or WORLD:PART,PART,…")
    asked = arguments.parse_args(words)
    if asked.calls < 1:
        arguments.error("--calls must be 1 or more")
    if asked.profile:
        with cProfile.Profile() as profile:
            play(plan.draw(asked.seed, 0))
        print(profiled(pstats.Stats(profile)))
        return 0
    if asked.only:
        number, _, names = asked.only.partition(":")
        if not number.isdecimal():
            arguments.error("--only begins with the number of a world")
        world = plan.draw(asked.seed, int(number))
        kept = names.split(",") if names else parts(world)
        if unknown := set(kept) - set(parts(world)):
            arguments.error(f"--only: world {number} of seed {asked.seed} has no part {', '.join(sorted(unknown))}")
        lines = story(only(world, kept))
        print("\n".join(lines))
        return int(lines[-1] != "broken: None")
    figures, broken, number = Figures(), 0, 0
    while figures.calls < asked.calls:
        world = plan.draw(asked.seed, number)  # whole: ONLY draws it again by its number alone
        check = Invariants()
        sim = check.watch(Simulation(world))
        began = time.process_time()
        wrong = None
        try:
            sim.run()
        except Wrong as error:
            wrong = error
        figures.add(sim, check, time.process_time() - began)
        if wrong is not None:
            broken += 1
            explain(world, wrong)
        number += 1
    print(f"\nseed {asked.seed}: {figures}\n{broken} of {number} worlds with a broken promise", flush=True)
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
