"""Play one case and show it; without a case, list them."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from lab.cases.audio_checks import audio_checks
from lab.cases.catalogue import CASES, LAB, PARAMETERS, Case, named
from lab.cases.checks import Check, checks
from lab.cases.play import NetworkWatch, Pair, Played, play
from lab.cli import line_choice, wording
from lab.cli.line_choice import LineChoice
from lab.cli.timeline import Screen, Timeline
from lab.lab import Lab, LineKind
from lab.sp.service_provider import ServiceProvider, open_sp
from pstn.lines.sip.line import SipLine
from pstn.lines.sip.settings import SipSettings
from pstn.switches import Switches

PAIR = Pair("+12025550111", "+12025550122")
PEOPLE = {PAIR.caller: "Jack", PAIR.callee: "Sophia"}
SP_NAME = "training-institute"
OVER = {"sip": " (real SIP and RTP)", "virtual": ""}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `story`."""
    parser.add_argument("case", nargs="?", default="", help="the case's name; without it, list them")
    line_choice.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """0: all checks passed; 1: not; 2: there is no such case."""
    screen = Screen.of(sys.stdout)
    if not arguments.case:
        width = max(len(case.name) for case in CASES)
        for case in CASES:
            screen.line(f"{case.name:{width}}  {case.story}")
        return 0
    try:
        case = named(arguments.case)
    except KeyError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    screen.line(f"{screen.bold(case.name)}: {case.story}")
    return play_story(case, screen, line_choice.chosen(arguments))


def play_story(case: Case, screen: Screen, choice: LineChoice) -> int:
    """Start a laboratory, play the case and show it. 0: all checks passed; 1: not.

    Raises: as `Lab.start`.
    """
    since = time.monotonic()
    if choice.why:
        screen.line(choice.why)
    screen.line(f"Starting the cloud and the telephone network{OVER[choice.line]} on this machine …")
    with lab_for(case.switches_for(LAB), choice.line) as (lab, watch, sp):
        screen.line(f"… ready after {time.monotonic() - since:.1f} s.\n")
        _introduce(screen, sp)
        played = _play(lab, watch, sp, case, screen)
        _show_cdr(screen, played)
        passed = _show_checks(screen, [*checks(played), *heard_checks(lab, played)])
    screen.line(f"\nTotal time: {time.monotonic() - since:.0f} s.")
    return 0 if passed else 1


@contextmanager
def lab_for(switches: Switches, line: LineKind) -> Iterator[tuple[Lab, NetworkWatch, ServiceProvider]]:
    """A laboratory for cases, with permissions checked, and an SP that has logged in.

    Every telephone is scripted; external ones that `make up` knows are ignored.
    """
    settings = SipSettings(listen=True)
    with Lab(auth=True, parameters=PARAMETERS, switches=switches, line=line, sip=settings) as lab:
        watch = NetworkWatch(lab.pstn)
        numbers = lab.outputs["DisplayNumbers"].split(",")
        sp = open_sp(lab.api_url, lab.environment, name=SP_NAME, numbers=numbers, settings=("--recording",))
        try:
            yield lab, watch, sp
        finally:
            sp.close()


def heard_checks(lab: Lab, played: Played) -> list[Check]:
    """What `audio_checks` says; empty where telephones are scripts only."""
    line = lab.pstn.exchange.line
    return audio_checks(played, line.heard_by) if isinstance(line, SipLine) else []


def mark(screen: Screen, passed: bool) -> str:
    return screen.paint("✓", 32) if passed else screen.paint("✗", 31)


def _introduce(screen: Screen, sp: ServiceProvider) -> None:
    caller, callee = (wording.number(number) for number in (PAIR.caller, PAIR.callee))
    a, b = (wording.number(number) for number in sp.numbers[:2])
    screen.line(f"Jack    has {caller}; his phone will show {a}, not Sophia's number.")
    screen.line(f"Sophia  has {callee}; her phone will show {b}, not Jack's number.\n")


def _play(lab: Lab, watch: NetworkWatch, sp: ServiceProvider, case: Case, screen: Screen) -> Played:
    start = datetime.now(UTC)
    timeline = Timeline(screen, start, PAIR.caller, PEOPLE)
    timeline.heading("Jack's phone", "Sophia's phone")
    timeline.say(start, "sp", "→ requests a callback")
    lab.pstn.subscribe(timeline.network_event)
    sp.receiver.observers.append(timeline.notification)
    played = play(
        lab, watch, sp, case, PAIR, on_stop=lambda: timeline.say(datetime.now(UTC), "sp", "→ requests the end")
    )
    sp.receiver.observers.remove(timeline.notification)
    return played


def _show_cdr(screen: Screen, played: Played) -> None:
    screen.line(f"\n{screen.bold('The CDR, as the SP received it')}")
    screen.line(json.dumps(played.cdr, indent=2))


def _show_checks(screen: Screen, made: list[Check]) -> bool:
    screen.line(f"\n{screen.bold('Checks')} (A: the caller, B: the callee)")
    for check in made:
        screen.line(
            f"{mark(screen, check.passed)} {check.what}" + ("" if check.passed else f"\n    but found: {check.found}")
        )
    failed = sum(not check.passed for check in made)
    screen.line(f"\n{f'{failed} of {len(made)} checks failed.' if failed else f'All {len(made)} checks passed.'}")
    return not failed
