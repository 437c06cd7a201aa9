"""`duologue …`: what the operator of the platform does by hand.

    duologue sp add acme --username acme@example.com
    duologue app add acme --display-number +12025550100 --status-url https://sp.example.com/status
    duologue app show <app key>

Where the platform is: the stack's name (its outputs are read), or the table and the key themselves. AWS credentials,
region and endpoint come from the usual AWS environment. Everything is printed as one JSON object. A password is read
from standard input, or made up and printed; it is never an argument, where every user of the machine could read it.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Sequence
from typing import Any

from duologue.adapters.aws_clients import patient
from duologue.adapters.dns_names import addresses_of
from duologue.adapters.dynamo_accounts import DynamoAccounts
from duologue.adapters.http_sp_endpoints import HttpSpEndpoints
from duologue.adapters.kms_secrets import KmsSecrets
from duologue.adapters.stack_outputs import outputs_of
from duologue.domain.errors import DuologueError
from duologue.domain.random_text import random_text
from duologue.usecases.add_app import NewApp, add_app
from duologue.usecases.add_sp import add_sp
from duologue.usecases.ports import AccountBook

_PASSWORD_LENGTH = 24


def main(arguments: Sequence[str] | None = None, client: Callable[[str], Any] = patient) -> int:
    """Do one command. Returns the exit status: 0 done, 1 refused or out of reach (a wrong command line ends with 2).

    `client` makes the client of an AWS service.
    """
    asked = _parser().parse_args(arguments)
    try:
        said = asked.command(asked, _accounts(asked, client))
    except DuologueError as error:
        print(f"duologue: {error}", file=sys.stderr)
        return 1
    print(json.dumps(said, indent=2))
    return 0


def _add_sp(asked: argparse.Namespace, accounts: AccountBook) -> dict[str, Any]:
    made_up = not asked.password_stdin
    password = random_text(_PASSWORD_LENGTH, secrets.token_bytes) if made_up else sys.stdin.readline().rstrip("\r\n")
    sp = add_sp(asked.id, asked.username, password, accounts=accounts, random_bytes=secrets.token_bytes)
    said = {"sp": sp.id, "username": sp.username}
    return said | {"password": password} if made_up else said


def _add_app(asked: argparse.Namespace, accounts: AccountBook) -> dict[str, Any]:
    new = NewApp(
        sp=asked.sp,
        display_numbers=tuple(asked.display_number),
        status_url=asked.status_url,
        fee_url=asked.fee_url,
        concurrent_calls=asked.concurrent_calls,
        recording=asked.recording,
    )
    endpoints = HttpSpEndpoints(addresses_of, allow_loopback=asked.allow_loopback)
    app = add_app(new, accounts=accounts, endpoints=endpoints, random_bytes=secrets.token_bytes)
    return {"app_key": app.key, "app_secret": app.secret}


def _show_app(asked: argparse.Namespace, accounts: AccountBook) -> dict[str, Any]:
    app = accounts.app(asked.key)
    return {
        "app_key": app.key,
        "sp": app.sp,
        "username": accounts.sp(app.sp).username,
        "display_numbers": list(app.display_numbers),
        "status_url": app.status_url,
        "fee_url": app.fee_url,
        "concurrent_calls": app.concurrent_calls,
        "recording": app.recording,
        "active": app.active,
    }


def _accounts(asked: argparse.Namespace, client: Callable[[str], Any]) -> AccountBook:
    outputs = {} if asked.accounts_table and asked.key_id else outputs_of(client("cloudformation"), asked.stack)
    table = asked.accounts_table or outputs["AccountsTable"]
    key = asked.key_id or outputs["SecretsKey"]
    return DynamoAccounts(client("dynamodb"), table, KmsSecrets(client("kms"), key))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="duologue", description="Keep the accounts of a Duologue platform.")
    place = parser.add_argument_group("where the platform is")
    place.add_argument("--stack", default="duologue", help="its CloudFormation stack (default: %(default)s)")
    place.add_argument("--accounts-table", help="its accounts table, instead of the stack's")
    place.add_argument("--key-id", help="its KMS key, instead of the stack's")
    kinds = parser.add_subparsers(metavar="sp|app", required=True)

    sp = kinds.add_parser("sp", help="SP accounts").add_subparsers(metavar="add", required=True)
    command = sp.add_parser("add", help="add an account; prints the password unless it was given")
    command.add_argument("id", help="1 to 32 letters, digits, - or _")
    command.add_argument("--username", required=True)
    command.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    command.set_defaults(command=_add_sp)

    app = kinds.add_parser("app", help="apps of an SP").add_subparsers(metavar="add|show", required=True)
    command = app.add_parser("add", help="add an app; prints its key and secret, once")
    command.add_argument("sp", help="the SP's id")
    command.add_argument("--display-number", action="append", required=True, help="E.164; may be repeated")
    command.add_argument("--status-url", help="where events are told, unless a request names another place")
    command.add_argument("--fee-url", help="where CDRs are told, unless a request names another place")
    command.add_argument("--concurrent-calls", type=int, default=10, help="(default: %(default)s)")
    command.add_argument("--recording", action="store_true", help="allow its calls to be recorded")
    command.add_argument("--allow-loopback", action="store_true", help="only on a laptop: take loopback URLs")
    command.set_defaults(command=_add_app)
    command = app.add_parser("show", help="show an app, without its secret")
    command.add_argument("key")
    command.set_defaults(command=_show_app)
    return parser


if __name__ == "__main__":
    sys.exit(main())
