"""`duologue number …`: the SPs that display numbers belong to."""

import argparse
from typing import Any

from duologue.domain.errors import InvalidField
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.operator.platform import Platform, Said
from duologue.usecases.numbers.claim_numbers import claim_numbers


def add_to(kinds: Any) -> None:
    number = kinds.add_parser("number", help="display numbers").add_subparsers(metavar="answer|claim", required=True)
    command = number.add_parser(
        "answer", help="set which app answers unknown callers of a display number that several apps of an SP show"
    )
    command.add_argument("number", help="the display number, E.164")
    command.add_argument("--app", required=True, metavar="KEY", help="the app's key")
    command.set_defaults(command=_answer)
    command = number.add_parser(
        "claim", help="record whose the display numbers of existing apps are; needed once, after an upgrade from 0.1"
    )
    command.set_defaults(command=_claim)


def _answer(asked: argparse.Namespace, platform: Platform) -> Said:
    platform.accounts.set_answering_app(PhoneNumber.parse(asked.number, field="display number").e164, asked.app)
    return {"display_number": asked.number, "app_key": asked.app}


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
