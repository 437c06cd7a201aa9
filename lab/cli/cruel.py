"""Play many callbacks while everything fails that may fail on AWS, and count for how many each promise was kept."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from lab.cli import line_choice
from lab.cli.timeline import Screen
from lab.cruel.kills import KINDS
from lab.cruel.mix import MOST
from lab.cruel.promises import shown
from lab.cruel.run import Result, Wanted
from lab.cruel.run import run as play_them


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cruel`."""
    parser.add_argument("--calls", type=_calls, default=300, help=f"callbacks, at most {MOST} (300)")
    parser.add_argument("--seed", type=int, default=1, help="of the mix and of all faults (1)")
    parser.add_argument("--at-once", type=int, default=6, help="callbacks at a time (6)")
    parser.add_argument("--kill", choices=KINDS, action="append", default=[], help="what to kill, in turn; repeatable")
    parser.add_argument("--kill-times", type=int, default=0, help="how often something is killed (0)")
    parser.add_argument("--down-hours", type=float, default=60.0, help="for how long the second SP is down (60)")
    parser.add_argument("--step-minutes", type=float, default=60.0, help="how far the clock jumps at a time (60)")
    parser.add_argument("--into", type=Path, help="file for the figures, in Markdown")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, too, on the last line")
    line_choice.add_argument(parser)


def _calls(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= MOST:
        raise argparse.ArgumentTypeError(f"{text} is not 1 to {MOST}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """0: every promise was kept; 1: not. Raises: as `Lab.start`."""
    screen = Screen.of(sys.stdout)
    line, why = line_choice.chosen(arguments)
    if why:
        screen.line(why)
    wanted = Wanted(
        calls=arguments.calls,
        seed=arguments.seed,
        at_once=arguments.at_once,
        kills=tuple(arguments.kill),
        kill_times=arguments.kill_times,
        down_hours=arguments.down_hours,
        step_minutes=arguments.step_minutes,
        line=line,
    )
    result = play_them(wanted, screen.line)
    figures = list(_shown(result))
    for text in figures:
        screen.line(text)
    if arguments.into:
        arguments.into.write_text(_page(wanted, figures), encoding="utf-8")
    if arguments.json:
        screen.line(json.dumps(_figures(result)))
    return 0 if result.is_kept else 1


def _shown(result: Result) -> Iterator[str]:
    settled = result.settled
    yield f"\nCallbacks      {_counts(result.stories)}; {result.talked} talked, {result.returned} returned"
    yield f"Requests       {result.requests} to place them; up to {result.slots} slots held at a time"
    yield f"Faults         {_counts(result.faults)}"
    yield f"Killed         {_counts(result.killed) or 'nothing'}"
    for name, outcomes in result.posts.items():
        yield f"To {name:12}{_counts(outcomes)}"
    yield f"Cloud's clock  {settled.hours:.1f} h in {settled.steps} steps; {settled.sweeps_failed} sweeps failed\n"
    for promise in result.promises:
        yield from shown(promise)
    yield f"\nTotal time: {result.seconds:.0f} s."


def _page(wanted: Wanted, figures: Iterable[str]) -> str:
    options = f"--at-once {wanted.at_once} --seed {wanted.seed} --step-minutes {wanted.step_minutes:g}"
    kills = "".join(f" --kill {kind}" for kind in wanted.kills)
    command = f'make cruel CALLS={wanted.calls} ARGS="{options}{kills} --kill-times {wanted.kill_times}"'
    text = "\n".join(figures).strip()
    return f"""# Callbacks while everything fails that may fail on AWS

Written by `{command}`: one run.
Times belong to the machine. Each promise has the number of cases for which it was kept, and of all cases.

```
{text}
```
"""


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counted.items()))


def _figures(result: Result) -> dict[str, object]:
    return {
        "faults": result.faults,
        "killed": result.killed,
        "posts": result.posts,
        "slots": result.slots,
        "talked": result.talked,
        "hours": result.settled.hours,
        "promises": [asdict(promise) for promise in result.promises],
    }
