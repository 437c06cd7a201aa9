"""`duologue call …`: calls in progress."""

import argparse
from collections.abc import Iterable
from typing import Any

from duologue.domain.errors import OutsideUnavailable, UnknownCall
from duologue.operator.platform import Platform, Said
from duologue.usecases.end_calls import EndedByOperator


def add_to(kinds: Any) -> None:
    commands = kinds.add_parser("call", help="calls in progress").add_subparsers(metavar="stop", required=True)
    command = commands.add_parser("stop", help="end calls; the SP is notified with 8017, as if it had stopped them")
    command.add_argument("calls", nargs="+", metavar="call", help="the call's id or session id")
    command.set_defaults(command=_stop)


def _stop(asked: argparse.Namespace, platform: Platform) -> Said:
    """A call that cannot be ended does not keep the others from being ended."""
    ended: list[EndedByOperator] = []
    failed: dict[str, UnknownCall | OutsideUnavailable] = {}
    for text in asked.calls:
        try:
            ended.append(platform.end_calls.one(text.partition("@")[0]))
        except (UnknownCall, OutsideUnavailable) as error:
            failed[text] = error
    if failed and len(asked.calls) == 1:
        raise failed[asked.calls[0]]
    if failed:
        reasons = ("there is none" if isinstance(error, UnknownCall) else str(error) for error in failed.values())
        named = ", ".join(f"{text} ({why})" for text, why in zip(failed, reasons, strict=True))
        raise OutsideUnavailable(f"these calls were not ended, all others were: {named}")
    return {"calls": shown(ended)}


def shown(ended: Iterable[EndedByOperator]) -> list[Said]:
    """`was`: the phase of the call before; `over`: there was nothing to end."""
    return [{"call": each.call_id, "app_key": each.app, "was": each.phase.name.lower()} for each in ended]
