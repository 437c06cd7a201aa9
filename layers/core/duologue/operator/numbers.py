"""`duologue number …`: the SPs that display numbers belong to."""

import argparse
from typing import Any

from duologue.domain.errors import InvalidField
from duologue.operator.platform import Platform, Said
from duologue.usecases.claim_numbers import claim_numbers


def add_to(kinds: Any) -> None:
    number = kinds.add_parser("number", help="display numbers").add_subparsers(metavar="claim", required=True)
    command = number.add_parser(
        "claim", help="record whose the display numbers of existing apps are; needed once, after an upgrade from 0.1"
    )
    command.set_defaults(command=_claim)


def _claim(_asked: argparse.Namespace, platform: Platform) -> Said:
    claims = claim_numbers(platform.accounts)
    if claims.conflicts:
        named = "; ".join(
            f"{number} by {', '.join(f'{app.app_key} of {app.sp}' for app in apps)}"
            for number, apps in sorted(claims.conflicts.items())
        )
        text = f"must belong to one SP, and these are shown by apps of several: {named}. Change the apps, then repeat"
        raise InvalidField("display number", text)
    return {"display_numbers": claims.numbers}
