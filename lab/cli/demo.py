"""Play one callback and a return call, from the HTTP request to both CDRs, and show them as they happen."""

import argparse
import sys
from dataclasses import replace

from lab.cases.catalogue import named
from lab.cases.return_calls import return_case
from lab.cli import line_choice
from lab.cli.story import play_story
from lab.cli.timeline import Screen
from lab.cli.up import PHONE_PORT
from pstn.lines.behaviours import answers

ANSWER_AT = f"http://127.0.0.1:{PHONE_PORT}"
_CALLBACK = replace(named("talked"), name="demo", caller=answers(2.0), callee=answers(3.0, talks=4.0))
STORY = replace(return_case("return_call"), name="demo", callback=_CALLBACK)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `demo`."""
    line_choice.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """0: all checks passed; 1: not."""
    screen = Screen.of(sys.stdout)
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
