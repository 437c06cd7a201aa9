"""`duologue call …`: calls in progress."""

import argparse
from collections.abc import Iterable
from typing import Any

from duologue.operator.platform import Platform, Said
from duologue.usecases.end_calls import EndedByOperator


def add_to(kinds: Any) -> None:
    commands = kinds.add_parser("call", help="calls in progress").add_subparsers(metavar="stop", required=True)
    command = commands.add_parser("stop", help="end calls; the SP is notified with 8017, as if it had stopped them")
    command.add_argument("calls", nargs="+", metavar="call", help="the call's id or session id")
    command.set_defaults(command=_stop)


def _stop(asked: argparse.Namespace, platform: Platform) -> Said:
    return {"calls": shown(platform.end_calls.one(text.partition("@")[0]) for text in asked.calls)}


def shown(ended: Iterable[EndedByOperator]) -> list[Said]:
    """`was`: the phase of the call before; `over`: there was nothing to end."""
    return [{"call": each.call_id, "app_key": each.app, "was": each.phase.name.lower()} for each in ended]
