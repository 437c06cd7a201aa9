"""The command line of `duologue-pstn trunk check`."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict
from ipaddress import IPv4Address
from pathlib import Path

from pstn.lines.sip.directory import E164
from pstn.trunks.check.call import CallCheck
from pstn.trunks.check.steps import NEEDED, Step, TrunkCheck, stun_step
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
    elif works:
        print(f"All that was asked works{'' if asked.call else '; --call NUMBER also places a call'}.")
    else:
        print(f"Failed: {sum(step.outcome == 'failed' for step in steps)}. Arrows name what to change.")
    return 0 if works else 1


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="duologue-pstn trunk check",
        description="Check the SIP trunks of a file step by step. Nobody is called without --call.",
        epilog="Ends with 0 if all that was asked works, 1 if something does not, 2 if the arguments are wrong.",
    )
    parser.add_argument("file", type=Path, help="trunks.yaml")
    parser.add_argument("--trunk", metavar="NAME", help="only this one")
    parser.add_argument(
        "--call", metavar="NUMBER", type=_number, help="call this number (E.164) over each trunk, and judge the sound"
    )
    parser.add_argument(
        "--display-number", metavar="NUMBER", help="the one to call with (default: the first one of each trunk)"
    )
    parser.add_argument(
        "--public",
        metavar="ADDRESS",
        type=IPv4Address,
        help="by which trunks reach us, if the file's public_address is another: as `edge render --public` has it",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before a call")
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
        if asked.public:
            file = file.model_copy(update={"public_address": asked.public, "stun": None})
        chosen = _chosen(file, asked.trunk)
        local = address_of(file.interface)
    except TrunkFileError as error:
        yield Step("", "", "file", "failed", str(error), "the file; docs/trunk.md describes its rows")
        return
    except ValueError as error:
        yield Step("", "", "interface", "failed", str(error), "interface: an address of this machine, or an interface")
        return
    with_secret = [trunk.name for trunk in file.trunks if trunk.digest]
    secrets = f"; secret found of {', '.join(with_secret)}" if with_secret else "; no secrets"
    yield Step("", "", "file", "ok", f"{len(file.trunks)} trunk{'s' * (len(file.trunks) > 1)}{secrets}; we are {local}")
    if file.stun:
        yield await stun_step(file.stun, local)
    for trunk in chosen:
        places, failed = set(), set()
        async for step in TrunkCheck(file, trunk, local).steps():
            places.add(step.place)
            if step.outcome == "failed" and step.name in NEEDED:
                failed.add(step.place)
            yield step
        if asked.call:
            for step in _calls(asked, file, trunk, is_reached=places != failed):
                yield step


def _calls(asked: argparse.Namespace, file: TrunkFile, trunk: Trunk, *, is_reached: bool) -> Iterator[Step]:
    display_number = asked.display_number or trunk.display_numbers[0]
    if display_number not in trunk.display_numbers:
        found = f"{display_number} is not a display number of this trunk"
        yield Step(trunk.name, "", "call", "failed", found, "--display-number, or display_numbers")
    elif not is_reached:
        yield Step(trunk.name, "", "call", "skipped", "no connection to the trunk")
    elif not (asked.yes or _agreed(asked.call, display_number, trunk)):
        yield Step(trunk.name, "", "call", "failed", "the call was not confirmed", "answer y, or --yes")
    else:
        yield from CallCheck(file, trunk).steps(asked.call, display_number)


def _agreed(number: str, display_number: str, trunk: Trunk) -> bool:
    """Ask on standard error, since standard output is for steps."""
    if not sys.stdin.isatty():
        return False
    print(
        f"Call {number} over trunk {trunk.name}, showing {display_number}? It rings there, and may cost money.\n"
        "The person who answers hears a tone, and presses a key to say so. [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _number(text: str) -> str:
    if not E164.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text} is not a number such as +12025550111")
    return text


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
