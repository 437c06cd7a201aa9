"""Play one callback and a return call, from the HTTP request to both CDRs, and show them as they happen."""

import argparse
import sys
from dataclasses import replace

from lab.cases.catalogue import named
from lab.cases.return_calls import return_case
from lab.cli import line_choice, telco_demo
from lab.cli.story import play_story, show_checks
from lab.cli.timeline import Screen
from lab.cli.up import PHONE_PORT
from pstn.lines.behaviours import answers

ANSWER_AT = f"http://127.0.0.1:{PHONE_PORT}"
_CALLBACK = replace(named("talked"), name="demo", caller=answers(2.0), callee=answers(3.0, talks=4.0))
STORY = replace(return_case("return_call"), name="demo", callback=_CALLBACK)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `demo`."""
    line_choice.add_argument(parser)
    parser.add_argument(
        "--telco",
        action="store_true",
        help="over a SIP trunk of a stand-in telephone company, behind NAT (Debian as root; docs/trunk.md)",
    )


def run(arguments: argparse.Namespace) -> int:
    """0: all checks passed; 1: not."""
    screen = Screen.of(sys.stdout)
    if arguments.telco:
        made = telco_demo.play(screen)
        return 1 if made is None or not show_checks(screen, made) else 0
    screen.line(
        "Jack asks for a call on the website of a training institute. The institute's server sends one\n"
        "request; the platform rings Jack, then Sophia of customer service, and connects them.\n"
        "Neither sees the other's number. Afterwards Sophia dials the number that her phone showed, and reaches Jack.\n"
    )
    choice = line_choice.chosen(arguments)
    code = play_story(STORY, screen, choice)
    if choice.line == "sip":
        screen.line(f"Scripts answered both telephones. To answer one yourself: make up, then open {ANSWER_AT}")
    return code
