"""Play all cases with sound, several at a time, and print a table of the results."""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from typing import Any

from lab.cases.catalogue import LAB, Case
from lab.cases.checks import Check
from lab.cases.on_sip import LEFT_OUT, NETWORK
from lab.cases.player import CasePlayer, Variant
from lab.cases.return_calls import ALL_CASES, ReturnCase, any_named
from lab.cli import line_choice
from lab.cli.story import OVER, checks_of, heard_checks, lab_for, mark
from lab.cli.timeline import Screen
from lab.lab import Lab

AT_ONCE = 6
"""Calls at a time: each has two phones that sound, and the checks need two cores that keep up."""

_AS_USUAL = Variant("as usual")


@dataclass(frozen=True)
class _Result:
    """`audio`: empty where nobody talked, or too shortly to judge, or the telephones are scripts only."""

    seconds: float
    state: object
    checks: list[Check]
    audio: list[Check]

    @property
    def all(self) -> list[Check]:
        return [*self.checks, *self.audio]

    @property
    def passed(self) -> int:
        return sum(check.passed for check in self.all)

    @property
    def true(self) -> bool:
        return self.passed == len(self.all)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `stories`."""
    parser.add_argument("case", nargs="*", help="names of cases; without them, all are played")
    line_choice.add_argument(parser)
    line_choice.add_carrier(parser)


def run(arguments: argparse.Namespace) -> int:
    """0: all checks of all cases passed; 1: not; 2: there is no such case. Raises: as `Lab.start`."""
    screen, since = Screen.of(sys.stdout), time.monotonic()
    try:
        carrier = line_choice.carrier(arguments)
        left_out = LEFT_OUT if carrier.carrier == "sip" else {}
        chosen = [any_named(name) for name in arguments.case] or list(ALL_CASES)
        cases = [case for case in chosen if case.name not in left_out]
    except (KeyError, ValueError) as error:
        print(error.args[0], file=sys.stderr)
        return 2
    for case in chosen:
        if case.name in left_out:
            screen.line(f"{case.name} is not played with --carrier sip. {left_out[case.name]}.")
    choice = line_choice.chosen(arguments)
    if choice.why:
        screen.line(choice.why)
    screen.line(
        f"Playing {len(cases)} cases{OVER[choice.line]}, {AT_ONCE} at a time; a few take more than a minute …\n"
    )
    with lab_for(LAB, choice.line, carrier) as (lab, watch, sp):
        player = CasePlayer(lab, watch, sp, at_once=AT_ONCE, network=NETWORK if carrier.carrier == "sip" else None)
        try:
            promised = player.begin((_AS_USUAL, case) for case in cases if isinstance(case, Case))
            results = _results(screen, lab, promised.values())
            returned = player.return_calls(case for case in cases if isinstance(case, ReturnCase))
            results |= _results(screen, lab, returned.values())
        finally:
            player.close()
    _show_table(screen, cases, results)
    failed = sum(not result.true for result in results.values())
    screen.line(f"\n{f'{failed} of {len(cases)} cases failed.' if failed else f'All {len(cases)} cases passed.'}")
    screen.line(f"Total time: {time.monotonic() - since:.0f} s.")
    return 1 if failed else 0


def _results(screen: Screen, lab: Lab, playing: Iterable["Future[Any]"]) -> dict[str, _Result]:
    """The results by the cases' names; a line for each as it ends."""
    results = {}
    for future in as_completed(playing):
        played = future.result()
        ended = max((each.at for each in played.notifications), default=played.asked_at)
        seconds, state = (ended - played.asked_at).total_seconds(), played.disconnect.get("stateCode")
        result = results[played.case.name] = _Result(seconds, state, checks_of(played), heard_checks(lab, played))
        screen.line(f"{mark(screen, result.true)} {played.case.name}")
        for check in result.all:
            if not check.passed:
                screen.line(f"    {check.what}\n    but found: {check.found}")
    return results


def _show_table(screen: Screen, cases: Sequence[Case | ReturnCase], results: dict[str, _Result]) -> None:
    width = max(len(case.name) for case in cases)
    screen.line("\n" + screen.bold(f"  {'case':{width}}  checks    sound  stateCode  seconds"))
    for case in cases:
        result = results[case.name]
        sound = (
            "heard" if result.audio and all(check.passed for check in result.audio) else "lost" if result.audio else "–"
        )
        passed = f"{result.passed} of {len(result.all)}"
        row = f"{case.name:{width}}  {passed:8}  {sound:5}  {result.state!s:>9}  {result.seconds:7.1f}"
        screen.line(f"{mark(screen, result.true)} {row}")
