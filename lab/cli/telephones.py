"""Which telephones a command plays with: real SIP and RTP where this machine can have them, else scripts alone."""

import argparse
from typing import NamedTuple

from lab.lab import LineKind
from pstn.lines.sip.settings import missing


class Choice(NamedTuple):
    """`why`: in a person's words, why it is not SIP; None if it is, or if scripts were asked for."""

    line: LineKind
    why: str | None


def add_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--virtual", action="store_true", help="telephones that are scripts alone, without SIP, RTP and sound"
    )


def chosen(arguments: argparse.Namespace) -> Choice:
    if arguments.virtual:
        return Choice("virtual", None)
    reason = missing()
    if reason:
        return Choice("virtual", f"The telephones are scripts, as with --virtual: {reason}.")
    return Choice("sip", None)
