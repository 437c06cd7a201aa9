"""Play one case on a laboratory of its own, and show it; without a case, list them."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from lab.cases.catalogue import CASES, LAB, PARAMETERS, Case, named
from lab.cases.checks import Check, checks
from lab.cases.play import Pair, Played, Watch, play
from lab.cases.sound_checks import sound_checks
from lab.cli import telephones, wording
from lab.cli.telephones import Choice
from lab.cli.timeline import Screen, Timeline
from lab.lab import Lab, LineKind
from lab.sp.service_provider import ServiceProvider, open_sp
from pstn.lines.sip.line import SipLine
from pstn.lines.sip.settings import SipSettings

PAIR = Pair("+12025550111", "+12025550122")
PEOPLE = {PAIR.caller: "Jack", PAIR.callee: "Sophia"}
SP_NAME = "training-institute"
_OVER = {"sip": " (real SIP and RTP)", "virtual": ""}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `story`."""
    parser.add_argument("case", nargs="?", default="", help="the case's name; without it, list them")
    telephones.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """0: all came true; 1: not; 2: there is no such case."""
    screen = Screen.of(sys.stdout)
    if not arguments.case:
        for case in CASES:
            screen.line(f"{case.name:24} {case.story}")
        return 0
    try:
        case = named(arguments.case)
    except KeyError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    screen.line(f"{screen.bold(case.name)}: {case.story}")
    return perform(case, screen, telephones.chosen(arguments))


def perform(case: Case, screen: Screen, choice: Choice) -> int:
    """Start a laboratory, play the case, show all of it. 0: everything came true; 1: not.

    Raises: what `Lab.start` does.
    """
    since = time.monotonic()
    if choice.why:
        screen.line(choice.why)
    screen.line(f"Starting the cloud and the telephone network{_OVER[choice.line]} on this machine …")
    with stage(case, choice.line) as (lab, watch, sp):
        screen.line(f"… ready after {time.monotonic() - since:.1f} s.\n")
        _introduce(screen, sp)
        played = _play(lab, watch, sp, case, screen)
        _show_cdr(screen, played)
        line = lab.pstn.exchange.line
        sounds = sound_checks(played, line.heard_by) if isinstance(line, SipLine) else []
        true = _show_checks(screen, [*checks(played), *sounds])
    screen.line(f"\n{time.monotonic() - since:.0f} s in all.")
    return 0 if true else 1


@contextmanager
def stage(case: Case, line: LineKind = "virtual") -> Iterator[tuple[Lab, Watch, ServiceProvider]]:
    """A laboratory as the case wants it, with permissions checked, and an SP that has logged in.

    Every telephone is the lab's own, whatever `make up` was told of others.
    """
    ears = SipSettings(listen=True)
    with Lab(auth=True, parameters=PARAMETERS, switches=case.under(LAB), line=line, sip=ears) as lab:
        watch = Watch(lab.pstn)
        numbers = lab.outputs["DisplayNumbers"].split(",")
        sp = open_sp(lab.api_url, lab.environment, name=SP_NAME, numbers=numbers, settings=("--recording",))
        try:
            yield lab, watch, sp
        finally:
            sp.close()


def _introduce(screen: Screen, sp: ServiceProvider) -> None:
    caller, callee = (wording.number(number) for number in (PAIR.caller, PAIR.callee))
    a, b = (wording.number(number) for number in sp.numbers[:2])
    screen.line(f"Jack    has {caller}; his phone is to show {a}, not Sophia's number.")
    screen.line(f"Sophia  has {callee}; her phone is to show {b}, not Jack's number.\n")


def _play(lab: Lab, watch: Watch, sp: ServiceProvider, case: Case, screen: Screen) -> Played:
    start = datetime.now(UTC)
    timeline = Timeline(screen, start, PAIR.caller, PEOPLE)
    timeline.heading("Jack's phone", "Sophia's phone")
    timeline.say(start, "sp", "→ asks for a callback")
    lab.pstn.subscribe(timeline.network_event)
    sp.receiver.observers.append(timeline.notification)
    played = play(lab, watch, sp, case, PAIR, on_stop=lambda: timeline.say(datetime.now(UTC), "sp", "→ asks to stop"))
    sp.receiver.observers.remove(timeline.notification)
    return played


def _show_cdr(screen: Screen, played: Played) -> None:
    screen.line(f"\n{screen.bold('The CDR, as the SP got it')}")
    screen.line(json.dumps(played.cdr, indent=2))


def _show_checks(screen: Screen, made: list[Check]) -> bool:
    screen.line(f"\n{screen.bold('What came true')} (A: the calling party, B: the called one)")
    for check in made:
        mark = screen.paint("✓", 32) if check.true else screen.paint("✗", 31)
        screen.line(f"{mark} {check.what}" + ("" if check.true else f"\n    but: {check.found}"))
    wrong = sum(not check.true for check in made)
    screen.line(f"\n{f'{wrong} of {len(made)} did not come true.' if wrong else f'All {len(made)} came true.'}")
    return not wrong
