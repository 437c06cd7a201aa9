"""`duologue sp …`: SP accounts."""

import argparse
import secrets
import sys
from typing import Any

from duologue.domain.random_text import random_text
from duologue.operator.platform import Platform, Said
from duologue.usecases.add_sp import add_sp

_PASSWORD_LENGTH = 24


def add_to(kinds: Any) -> None:
    sp = kinds.add_parser("sp", help="SP accounts").add_subparsers(metavar="add|suspend|resume", required=True)
    command = sp.add_parser("add", help="add an account; prints the password unless it was given")
    command.add_argument("id", help="1 to 32 letters, digits, - or _")
    command.add_argument("--username", required=True)
    command.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    command.set_defaults(command=_add)
    for word, active, what in (("suspend", False, "refuse every request of"), ("resume", True, "let in again")):
        command = sp.add_parser(word, help=f"{what} all apps of an account; calls in progress go on")
        command.add_argument("id")
        command.set_defaults(command=_set_active, active=active)


def _add(asked: argparse.Namespace, platform: Platform) -> Said:
    made_up = not asked.password_stdin
    password = random_text(_PASSWORD_LENGTH, secrets.token_bytes) if made_up else sys.stdin.readline().rstrip("\r\n")
    sp = add_sp(asked.id, asked.username, password, accounts=platform.accounts, random_bytes=secrets.token_bytes)
    said = {"sp": sp.id, "username": sp.username}
    return said | {"password": password} if made_up else said


def _set_active(asked: argparse.Namespace, platform: Platform) -> Said:
    platform.accounts.set_sp_active(asked.id, active=asked.active)
    return {"sp": asked.id, "active": asked.active}
