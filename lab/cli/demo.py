"""Play one callback from its HTTP request to its CDR, and show it as it happens."""

import argparse
import sys
from dataclasses import replace

from lab.cases.catalogue import named
from lab.cli import telephones
from lab.cli.story import perform
from lab.cli.timeline import Screen
from lab.cli.up import PHONE_PORT
from pstn.lines.behaviours import answers

ANSWER_AT = f"http://127.0.0.1:{PHONE_PORT}"
STORY = replace(named("talked"), name="demo", caller=answers(2.0), callee=answers(3.0, talks=4.0))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `demo`."""
    telephones.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """0: everything came true; 1: not."""
    screen = Screen.of(sys.stdout)
    screen.line(
        "Jack, on the website of a training institute, asks to be called. The institute's server sends one\n"
        "request; the platform rings Jack, then Sophia of the customer service, and joins them.\n"
        "Neither sees the other's number.\n"
    )
    choice = telephones.chosen(arguments)
    code = perform(STORY, screen, choice)
    if choice.line == "sip":
        screen.line(f"Both telephones moved by themselves. To answer one: make up, and open {ANSWER_AT}")
    return code
