"""`duologue sp …`: SP accounts."""

import argparse
import secrets
import sys
from typing import Any

from duologue.domain.access.accounts import Sp
from duologue.domain.access.random_text import random_text
from duologue.operator.apps import END_CALLS
from duologue.operator.calls import shown
from duologue.operator.platform import Platform, Said
from duologue.usecases.access.add_sp import add_sp
from duologue.usecases.access.change_sp import set_calls_per_second
from duologue.usecases.access.set_password import set_password

_PASSWORD_LENGTH = 24


def add_to(kinds: Any) -> None:
    sp = kinds.add_parser("sp", help="SP accounts").add_subparsers(
        metavar="add|list|show|set|set-password|suspend|resume|remove", required=True
    )
    command = sp.add_parser("add", help="add an SP; prints the password if it was generated")
    command.add_argument("id", help="1 to 32 of A-Z, a-z, 0-9 and - _ . @ +; CDRs name the SP by it")
    command.add_argument("--username", help="user name with which the SP's apps log in (default: the id)")
    _add_password(command)
    command.set_defaults(command=_add)
    command = sp.add_parser("list", help="all SPs")
    command.set_defaults(command=_list)
    command = sp.add_parser("show", help="show an SP without its password, and its apps")
    command.add_argument("id", help="the SP's id")
    command.set_defaults(command=_show)
    command = sp.add_parser("set", help="change the limit that all apps of an SP share")
    command.add_argument("id", help="the SP's id")
    command.add_argument(
        "--calls-per-second",
        type=int,
        metavar="N",
        required=True,
        help="callbacks of all its apps accepted within a second; more are refused (0: no limit)",
    )
    command.set_defaults(command=_set)
    command = sp.add_parser("set-password", help="replace the password; prints it if it was generated")
    command.add_argument("id", help="the SP's id")
    _add_password(command)
    command.set_defaults(command=_set_password)
    for word, active, what in (
        ("suspend", False, "refuse all requests of all apps of an SP but stops; calls in progress continue"),
        ("resume", True, "accept requests again from all apps of an SP"),
    ):
        command = sp.add_parser(word, help=what)
        command.add_argument("id", help="the SP's id")
        command.set_defaults(command=_set_active, active=active)
        if not active:
            command.add_argument("--end-calls", action="store_true", help=END_CALLS)
    command = sp.add_parser("remove", help="delete an SP that has no apps")
    command.add_argument("id", help="the SP's id")
    command.set_defaults(command=_remove)


def _add_password(command: argparse.ArgumentParser) -> None:
    command.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _password(asked: argparse.Namespace) -> tuple[str, Said]:
    """A password, and what to print of it: a generated one is shown once."""
    if asked.password_stdin:
        return sys.stdin.readline().rstrip("\r\n"), {}
    password = random_text(_PASSWORD_LENGTH, secrets.token_bytes)
    return password, {"password": password}


def _add(asked: argparse.Namespace, platform: Platform) -> Said:
    password, shown = _password(asked)
    username = asked.id if asked.username is None else asked.username
    sp = add_sp(asked.id, username, password, accounts=platform.accounts, random_bytes=secrets.token_bytes)
    return {"sp": sp.id, "username": sp.username} | shown


def _list(_asked: argparse.Namespace, platform: Platform) -> Said:
    return {"sps": [_shown(sp) for sp in platform.accounts.listed_sps()]}


def _show(asked: argparse.Namespace, platform: Platform) -> Said:
    sp = platform.accounts.sp(asked.id)
    return _shown(sp) | {"apps": [app.app_key for app in platform.accounts.listed_apps() if app.sp == sp.id]}


def _set(asked: argparse.Namespace, platform: Platform) -> Said:
    return _shown(set_calls_per_second(asked.id, asked.calls_per_second, accounts=platform.accounts))


def _shown(sp: Sp) -> Said:
    return {"sp": sp.id, "username": sp.username, "calls_per_second": sp.calls_per_second, "active": sp.active}


def _set_password(asked: argparse.Namespace, platform: Platform) -> Said:
    password, shown = _password(asked)
    set_password(asked.id, password, accounts=platform.accounts, random_bytes=secrets.token_bytes)
    return {"sp": asked.id} | shown


def _set_active(asked: argparse.Namespace, platform: Platform) -> Said:
    platform.accounts.set_sp_active(asked.id, active=asked.active)
    said: Said = {"sp": asked.id, "active": asked.active}
    if not asked.active and asked.end_calls:
        apps = {app.app_key for app in platform.accounts.listed_apps(thorough=True) if app.sp == asked.id}
        said["calls"] = shown(platform.end_calls_of(apps))
    return said


def _remove(asked: argparse.Namespace, platform: Platform) -> Said:
    platform.accounts.remove_sp(asked.id)
    return {"sp": asked.id, "removed": True}
