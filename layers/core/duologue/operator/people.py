"""`duologue person …`: what is stored about a telephone number."""

import argparse
import re
import sys
from datetime import date
from typing import Any

from duologue.domain.accounting.cdr_archive import ArchiveFile
from duologue.domain.errors import InvalidField
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.operator.platform import Platform, Said
from duologue.usecases.operating.erase_archived import Cleared
from duologue.usecases.operating.erase_person import PersonCall


def add_to(kinds: Any) -> None:
    commands = kinds.add_parser("person", help="what is stored about a telephone number").add_subparsers(
        metavar="show|erase", required=True
    )
    command = commands.add_parser("show", help="the calls of a number, without the other party")
    command.add_argument("number", help="E.164")
    command.set_defaults(command=_show)
    command = commands.add_parser(
        "erase",
        help="delete the calls of a number with all that belongs to them, its call memories, and it in archived CDRs",
    )
    command.add_argument("number", help="E.164")
    command.add_argument(
        "--archive-after", default="", metavar="OBJECT", help="go on in the archive of CDRs where another run ended"
    )
    command.set_defaults(command=_erase)


def _show(asked: argparse.Namespace, platform: Platform) -> Said:
    found = platform.erase_person().show(PhoneNumber.parse(asked.number, field="number"))
    return {"calls": [_shown(each) for each in found]}


def _erase(asked: argparse.Namespace, platform: Platform) -> Said:
    number = PhoneNumber.parse(asked.number, field="number")
    displays = [PhoneNumber(each) for each in sorted(platform.accounts.display_numbers())]
    after = _object(asked.archive_after) if asked.archive_after else None
    erased = platform.erase_person(_tell)(number, displays, "operator", after)
    done = {"calls": erased.calls, "recordings": erased.recordings, "memories": erased.memories}
    archived = {"archived_cdrs": erased.archived.cdrs, "unreadable_objects": erased.archived.unread}
    return done | archived | {"in_progress": erased.in_progress, "unreadable_calls": erased.unreadable}


def _tell(done: Cleared) -> None:
    if done.last is not None:
        where = f"{done.last.app}/{done.last.day:%Y%m%d}/{done.last.name}"
        text = f"{done.files} objects of the archive read, {done.cdrs} CDRs changed; --archive-after {where}"
        print(f"duologue: {text}", file=sys.stderr, flush=True)


def _object(text: str) -> ArchiveFile:
    found = re.fullmatch(r"([^/]+)/([0-9]{8})/([^/]+)", text, re.ASCII)
    try:
        app, day, name = found.groups() if found else ("", "", "")
        return ArchiveFile(app, date.fromisoformat(day), name)
    except ValueError as error:
        raise InvalidField("--archive-after", "must be what an earlier run printed") from error


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
