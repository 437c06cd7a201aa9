"""`duologue cdr …`: the archive of CDRs."""

import argparse
import os
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import IO, Any

from duologue.domain.errors import InvalidField
from duologue.operator.platform import Platform, Said


def add_to(kinds: Any) -> None:
    commands = kinds.add_parser("cdr", help="archived CDRs").add_subparsers(metavar="export", required=True)
    command = commands.add_parser(
        "export", help="print archived CDRs as JSON lines: calls that ended on these days, each once, oldest first"
    )
    whose = command.add_mutually_exclusive_group(required=True)
    whose.add_argument("--app", default="", metavar="KEY", help="of this app, which may have been removed")
    whose.add_argument("--sp", default="", metavar="ID", help="of all apps of this SP")
    command.add_argument("--from", dest="since", required=True, metavar="DAY", help="in UTC, such as 2026-11-01")
    command.add_argument("--to", dest="until", required=True, metavar="DAY", help="this day is included")
    command.add_argument("--into", default="", metavar="FILE", help="write a file that only you can read")
    command.set_defaults(command=_export)


def _export(asked: argparse.Namespace, platform: Platform) -> Said | None:
    since, until = _day(asked.since, "--from"), _day(asked.until, "--to")
    if until < since:
        raise InvalidField("--to", "must not be earlier than --from")
    lines = platform.export_cdrs(since, until, app=asked.app, sp=asked.sp)
    if asked.into:
        return {"cdrs": _write(asked.into, lines), "file": asked.into}
    _print(lines, sys.stdout)
    sys.stdout.flush()
    return None


def _write(path: str, lines: Iterable[str]) -> int:
    """To a file beside it first, so that it is whole or not there."""
    part = Path(f"{path}.part")
    try:
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            count = _print(lines, file)
        part.replace(path)
    except OSError as error:
        raise InvalidField("--into", f"cannot be written: {error}") from error
    return count


def _print(lines: Iterable[str], file: IO[str]) -> int:
    count = 0
    for line in lines:
        file.write(f"{line}\n")
        count += 1
    return count


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidField(name, "must be a day such as 2026-11-28") from error
