"""The command line of `duologue-pstn trunk check`."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path

from pstn.trunks.check.steps import Step, TrunkCheck
from pstn.trunks.interface import address_of
from pstn.trunks.trunk_file import Trunk, TrunkFile, TrunkFileError, read

_COLOURS = {"ok": 32, "failed": 31, "skipped": 33}


def main(arguments: Sequence[str]) -> int:
    """0: all that was asked works. 1: not. 2: wrong arguments."""
    asked = parser().parse_args(arguments)
    steps = asyncio.run(_checked(asked))
    works = all(step.outcome != "failed" for step in steps)
    if asked.json:
        print(json.dumps({"works": works, "steps": [asdict(step) for step in steps]}, indent=2))
    return 0 if works else 1


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="duologue-pstn trunk check",
        description="Check the SIP trunks of a file step by step. Nothing is registered, and nobody is called.",
    )
    parser.add_argument("file", type=Path, help="trunks.yaml")
    parser.add_argument("--trunk", metavar="NAME", help="only this one")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


async def _checked(asked: argparse.Namespace) -> list[Step]:
    steps = []
    async for step in _steps(asked):
        steps.append(step)
        if not asked.json:
            _show(step, is_first=len(steps) < 2 or (step.trunk, step.place) != (steps[-2].trunk, steps[-2].place))
    return steps


async def _steps(asked: argparse.Namespace) -> AsyncIterator[Step]:
    try:
        file = read(asked.file)
        chosen = _chosen(file, asked.trunk)
        local = address_of(file.interface)
    except TrunkFileError as error:
        yield Step("", "", "file", "failed", str(error), "the rows named; docs/trunk.md describes each")
        return
    except ValueError as error:
        yield Step("", "", "interface", "failed", str(error), "interface: an address of this machine, or an interface")
        return
    with_secret = [trunk.name for trunk in file.trunks if trunk.digest]
    secrets = f"; secret found of {', '.join(with_secret)}" if with_secret else "; no secrets"
    yield Step("", "", "file", "ok", f"{len(file.trunks)} trunk{'s' * (len(file.trunks) > 1)}{secrets}; we are {local}")
    for trunk in chosen:
        async for step in TrunkCheck(file, trunk, local).steps():
            yield step


def _chosen(file: TrunkFile, name: str | None) -> tuple[Trunk, ...]:
    """Raises: TrunkFileError."""
    chosen = tuple(trunk for trunk in file.trunks if name in (None, trunk.name))
    if not chosen:
        raise TrunkFileError(f"no trunk {name!r}: there are {', '.join(trunk.name for trunk in file.trunks)}")
    return chosen


def _show(step: Step, *, is_first: bool) -> None:
    if is_first and step.trunk:
        print(f"{step.trunk}, {step.place}" if step.place else step.trunk)
    outcome = f"{step.outcome:8}"
    if sys.stdout.isatty():
        outcome = f"\033[{_COLOURS[step.outcome]}m{outcome}\033[0m"
    found = step.found.replace("\n", f"\n{'':25}")
    print(f"  {outcome} {step.name:13} {found}", flush=True)
    if step.change:
        print(f"{'':25}→ {step.change}", flush=True)
