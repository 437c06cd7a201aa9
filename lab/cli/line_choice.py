"""Which telephones a command uses: real SIP and RTP where this machine can run them, else scripts only."""

import argparse
from typing import NamedTuple

from lab.lab import LineKind
from pstn.lines.sip.settings import missing


class LineChoice(NamedTuple):
    """`why`: a message that says why it is not SIP; None if it is, or if scripts were requested."""

    line: LineKind
    why: str | None


def add_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--virtual", action="store_true", help="use telephones that are scripts only, without SIP, RTP and audio"
    )


def chosen(arguments: argparse.Namespace) -> LineChoice:
    if arguments.virtual:
        return LineChoice("virtual", None)
    reason = missing()
    if reason:
        return LineChoice("virtual", f"The telephones are scripts only, as with --virtual: {reason}.")
    return LineChoice("sip", None)
