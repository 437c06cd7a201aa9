"""`duologue person …`: what is stored about a telephone number."""

import argparse
from typing import Any

from duologue.domain.phone_number import PhoneNumber
from duologue.operator.platform import Platform, Said
from duologue.usecases.erase_person import PersonCall


def add_to(kinds: Any) -> None:
    commands = kinds.add_parser("person", help="what is stored about a telephone number").add_subparsers(
        metavar="show|erase", required=True
    )
    command = commands.add_parser("show", help="the calls of a number, without the other party")
    command.add_argument("number", help="E.164")
    command.set_defaults(command=_show)
    command = commands.add_parser(
        "erase", help="delete the calls of a number with CDRs, events and recordings, and its call memories"
    )
    command.add_argument("number", help="E.164")
    command.set_defaults(command=_erase)


def _show(asked: argparse.Namespace, platform: Platform) -> Said:
    found = platform.erase_person.show(PhoneNumber.parse(asked.number, field="number"))
    return {"calls": [_shown(each) for each in found]}


def _erase(asked: argparse.Namespace, platform: Platform) -> Said:
    number = PhoneNumber.parse(asked.number, field="number")
    displays = [PhoneNumber(each) for each in sorted(platform.accounts.display_numbers())]
    erased = platform.erase_person(number, displays, "operator")
    done = {"calls": erased.calls, "recordings": erased.recordings, "memories": erased.memories}
    return done | {"in_progress": erased.in_progress}


def _shown(each: PersonCall) -> Said:
    call = each.call
    shown: Said = {"call": each.found.call_id, "party": each.found.party.value}
    if call is None:
        return shown | {"partly_erased": True}
    return shown | {
        "app_key": call.app,
        "origin": call.origin.value,
        "accepted_at": call.accepted_at.isoformat(),
        "phase": call.phase.name.lower(),
        "recorded": call.recording is not None and call.recording.deleted_at is None,
    }
