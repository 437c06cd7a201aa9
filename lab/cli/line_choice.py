"""Which telephones a command uses: real SIP and RTP where this machine can run them, else scripts only."""

import argparse
from typing import NamedTuple, get_args

from lab.lab import CarrierName, LineKind
from lab.nodes import edge_process
from pstn.lines.sip.settings import missing


class LineChoice(NamedTuple):
    """`why`: a message that says why it is not SIP; None if it is, or if scripts were requested."""

    line: LineKind
    why: str | None


class CarrierChoice(NamedTuple):
    carrier: CarrierName
    edge: bool


ON_CHIME = CarrierChoice("chime", edge=False)


def add_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--virtual", action="store_true", help="use telephones that are scripts only, without SIP, RTP and audio"
    )


def add_carrier(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--carrier",
        choices=get_args(CarrierName),
        default="chime",
        help="sip: deploy with Carrier=sip, and run a node and, where installed, an edge of Kamailio and rtpengine",
    )


def carrier(arguments: argparse.Namespace) -> CarrierChoice:
    """Raises: ValueError: this machine cannot run it, or it goes with no other option that was given."""
    if arguments.carrier != "sip":
        return ON_CHIME
    if arguments.virtual or getattr(arguments, "trunk", None):
        raise ValueError("--carrier sip has telephones of its own: it goes with neither --virtual nor --trunk.")
    if reason := missing():
        raise ValueError(f"--carrier sip needs telephones over SIP: {reason}.")
    return CarrierChoice("sip", edge=edge_process.missing() is None)


def chosen(arguments: argparse.Namespace) -> LineChoice:
    if arguments.virtual:
        return LineChoice("virtual", None)
    reason = missing()
    if reason:
        return LineChoice("virtual", f"The telephones are scripts only, as with --virtual: {reason}.")
    return LineChoice("sip", None)
