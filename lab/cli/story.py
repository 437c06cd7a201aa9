"""Play one case and show it; without a case, list them."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.cases.audio_checks import audio_checks
from lab.cases.catalogue import LAB, PARAMETERS, Case
from lab.cases.checks import Check, checks
from lab.cases.heard_prompts import tone_prompts
from lab.cases.play import NetworkWatch, Pair, Played, play
from lab.cases.return_calls import ALL_CASES, NETWORK, ReturnCase, any_named
from lab.cases.return_checks import return_checks
from lab.cases.return_play import People, PlayedReturn, play_return
from lab.cli import line_choice, wording
from lab.cli.line_choice import ON_CHIME, CarrierChoice, LineChoice
from lab.cli.timeline import Screen, Timeline
from lab.lab import AUDIO, Lab, LineKind
from lab.sp.service_provider import ServiceProvider, open_sp
from pstn.lines.sip.line import SipLine
from pstn.lines.sip.settings import SipSettings
from pstn.switches import Switches

PAIR = Pair("+12025550111", "+12025550122")
THIRD = People.of(PAIR).third
PEOPLE = {PAIR.caller: "Jack", PAIR.callee: "Sophia", THIRD: "Ben"}
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
        width = max(len(case.name) for case in ALL_CASES)
        for case in ALL_CASES:
            screen.line(f"{case.name:{width}}  {case.story}")
        return 0
    try:
        case = any_named(arguments.case)
    except KeyError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    screen.line(f"{screen.bold(case.name)}: {case.story}")
    return play_story(case, screen, line_choice.chosen(arguments))


def play_story(case: Case | ReturnCase, screen: Screen, choice: LineChoice) -> int:
    """Start a laboratory, play the case and show it. 0: all checks passed; 1: not.

    Raises: as `Lab.start`.
    """
    since = time.monotonic()
    if choice.why:
        screen.line(choice.why)
    screen.line(f"Starting the cloud and the telephone network{OVER[choice.line]} on this machine …")
    switches = NETWORK if isinstance(case, ReturnCase) else case.switches_for(LAB)
    with lab_for(switches, choice.line) as (lab, watch, sp):
        screen.line(f"… ready after {time.monotonic() - since:.1f} s.\n")
        _introduce(screen, sp, case)
        calls = _play(lab, watch, sp, case, screen)
        for played in calls:
            _show_cdr(screen, played)
        made = [check for played in calls for check in [*checks_of(played), *heard_checks(lab, played)]]
        passed = show_checks(screen, made)
    screen.line(f"\nTotal time: {time.monotonic() - since:.0f} s.")
    return 0 if passed else 1


@contextmanager
def lab_for(
    switches: Switches, line: LineKind, carrier: CarrierChoice = ON_CHIME
) -> Iterator[tuple[Lab, NetworkWatch, ServiceProvider]]:
    """A laboratory for cases, with permissions checked, and an SP that has logged in.

    Every telephone is scripted; external ones that `make up` knows are ignored.
    """
    settings = SipSettings(listen=True)
    with (
        TemporaryDirectory() as folder,
        Lab(
            auth=True,
            parameters=PARAMETERS,
            switches=switches,
            line=line,
            sip=settings,
            carrier=carrier.carrier,
            edge=carrier.edge,
            prompts=tone_prompts(Path(folder)) if carrier.carrier == "sip" else AUDIO,
        ) as lab,
    ):
        watch = NetworkWatch(lab.pstn)
        numbers = lab.outputs["DisplayNumbers"].split(",")
        sp = open_sp(lab.api_url, lab.environment, name=SP_NAME, numbers=numbers, settings=("--recording",))
        try:
            yield lab, watch, sp
        finally:
            sp.close()


def checks_of(played: Played | PlayedReturn) -> list[Check]:
    return checks(played) if isinstance(played, Played) else return_checks(played)


def heard_checks(lab: Lab, played: Played | PlayedReturn) -> list[Check]:
    """What `audio_checks` says; empty where telephones are scripts only."""
    line = lab.pstn.exchange.line
    return audio_checks(played, line.heard_by) if isinstance(line, SipLine) else []


def mark(screen: Screen, passed: bool) -> str:
    return screen.paint("✓", 32) if passed else screen.paint("✗", 31)


def _introduce(screen: Screen, sp: ServiceProvider, case: Case | ReturnCase) -> None:
    caller, callee = (wording.number(number) for number in (PAIR.caller, PAIR.callee))
    a, b = (wording.number(number) for number in sp.numbers[:2])
    screen.line(f"Jack    has {caller}; his phone will show {a}, not Sophia's number.")
    screen.line(f"Sophia  has {callee}; her phone will show {b}, not Jack's number.")
    if isinstance(case, ReturnCase):
        third = f" (Ben has {wording.number(THIRD)}.)" if case.rung == "third person" else ""
        screen.line(f"When she dials {b}, the platform decides who is rung.{third}")
    screen.line()


def _play(
    lab: Lab, watch: NetworkWatch, sp: ServiceProvider, case: Case | ReturnCase, screen: Screen
) -> list[Played | PlayedReturn]:
    """The calls to show and to check, in their order."""
    start = datetime.now(UTC)
    timeline = Timeline(screen, start, PAIR.caller, PEOPLE, callee=PAIR.callee)
    timeline.heading("Jack's phone", "Sophia's phone")

    def tell(text: str) -> None:
        timeline.say(datetime.now(UTC), "sp", text)

    lab.pstn.subscribe(timeline.network_event)
    sp.receiver.observers.append(timeline.notification)
    try:
        if isinstance(case, Case) or case.callback:
            tell("→ requests a callback")
        if isinstance(case, Case):
            return [play(lab, watch, sp, case, PAIR, on_stop=lambda: tell("→ requests the end"))]
        back = play_return(lab, watch, sp, case, People.of(PAIR), tell=tell)
        alone = back.callback and not case.during_talk
        return [back.callback, back] if alone and back.callback else [back]
    finally:
        sp.receiver.observers.remove(timeline.notification)


def _show_cdr(screen: Screen, played: Played | PlayedReturn) -> None:
    which = "" if isinstance(played, Played) else " of the return call"
    screen.line(f"\n{screen.bold(f'The CDR{which}, as the SP received it')}")
    screen.line(json.dumps(played.cdr, indent=2))


def show_checks(screen: Screen, made: list[Check]) -> bool:
    screen.line(f"\n{screen.bold('Checks')} (A: the caller, B: the callee)")
    for check in made:
        screen.line(
            f"{mark(screen, check.passed)} {check.what}" + ("" if check.passed else f"\n    but found: {check.found}")
        )
    failed = sum(not check.passed for check in made)
    screen.line(f"\n{f'{failed} of {len(made)} checks failed.' if failed else f'All {len(made)} checks passed.'}")
    return not failed
