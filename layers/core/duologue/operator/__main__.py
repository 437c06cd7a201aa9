"""`duologue …`: the operator's command line.

    duologue sp add acme --username acme@example.com
    duologue app add acme --display-number +12025550100 --status-url https://sp.example.com/status
    duologue app set <app key> --calls-per-callee-per-day 3 --country US --country CA
    duologue app rotate-secret <app key>
    duologue app end-tokens <app key>
    duologue app suspend <app key> --end-calls
    duologue app list
    duologue call list --number 0111 --result failed
    duologue call show <session id>
    duologue call stop <session id>
    duologue tail
    duologue usage --app <app key>
    duologue deny add +1712432 --why "traffic pumping"
    duologue do-not-call add +12025550133
    duologue sp set-password acme
    duologue prompt put <app key> welcome.wav
    duologue prompt put-own audio
    duologue memory forget --number +12025550133
    duologue person erase +12025550133
    duologue notification retry-now --app <app key>
    duologue endpoint list <app key>
    duologue cdr export --app <app key> --from 2026-11-01 --to 2026-11-30
    duologue lock list
    duologue logs <session id>
    duologue trunk check trunks.yaml
    duologue console

The platform is found by the stack's name, through its outputs, or by the names of the table, key and bucket. AWS
credentials, region and endpoint come from the usual AWS environment. The result is printed as one JSON object, or, in a
terminal and without --json, as tables. A password is read from standard input, or generated and printed; it is never an
argument, which any user of the machine could read.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from duologue.adapters.basics.aws import PATIENT, refusals
from duologue.adapters.basics.aws_clients import client
from duologue.domain.errors import AccountExists, DuologueError, UnknownApp, UnknownCall, UnknownSp
from duologue.operator import (
    apps,
    audits,
    calls,
    cdrs,
    console,
    denials,
    endpoints,
    locks,
    logs,
    memories,
    notifications,
    numbers,
    people,
    prompts,
    rates,
    sps,
    trunks,
    usages,
)
from duologue.operator.platform import Platform
from duologue.operator.printed import print_said

_PATIENT_CLIENT = partial(client, timeouts=PATIENT)


def main(
    arguments: Sequence[str] | None = None,
    client: Callable[[str], Any] = _PATIENT_CLIENT,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run one command. Returns the exit status: 0 for success, 1 for a refusal or an AWS error (argparse exits with 2).

    `client` creates the client of an AWS service by its name. `sleep`: waits for seconds.
    """
    asked = parser().parse_args(arguments)
    try:
        with refusals():
            platform = Platform(asked, client, sleep)
            audits.note(asked, platform)
            said = asked.command(asked, platform)
        if said is not None:
            print_said(said, json_wanted=asked.json)
    except DuologueError as error:
        print(f"duologue: {error}{_CURES.get(type(error), '')}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # its reader has read enough, as `head` does; Python would flush once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


_CURES: dict[type[DuologueError], str] = {
    UnknownSp: "; add it: duologue sp add",
    UnknownApp: "; its key is the app_key that duologue app add printed",
    UnknownCall: ": there is no such call or notification",
    AccountExists: "; choose another one",
}
"""What to do about errors whose text is also for SPs, who cannot do it."""


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="duologue",
        description="Manage SPs, apps, calls, prompts, call memories and notifications of a platform.",
    )
    place = parser.add_argument_group("platform")
    place.add_argument("--stack", default="duologue", help="CloudFormation stack (default: %(default)s)")
    place.add_argument("--accounts-table", help="accounts table, overrides the stack's output")
    place.add_argument("--key-id", help="KMS key of the app secrets, overrides the stack's output")
    place.add_argument(
        "--memories-key", help="KMS key from which the keys of stored numbers follow, overrides the stack's output"
    )
    place.add_argument("--prompts-bucket", help="bucket of the prompts, overrides the stack's output")
    place.add_argument("--line-numbers", help="the stack's numbers, comma separated, overrides the stack's output")
    kinds = parser.add_subparsers(required=True)
    sps.add_to(kinds)
    apps.add_to(kinds)
    calls.add_to(kinds)
    cdrs.add_to(kinds)
    usages.add_to(kinds)
    people.add_to(kinds)
    numbers.add_to(kinds)
    memories.add_to(kinds)
    notifications.add_to(kinds)
    endpoints.add_to(kinds)
    locks.add_to(kinds)
    logs.add_to(kinds)
    prompts.add_to(kinds)
    denials.add_to(kinds)
    rates.add_to(kinds)
    audits.add_to(kinds)
    trunks.add_to(kinds)
    console.add_to(kinds)
    kinds.metavar = "|".join(name for name in kinds.choices if name != "notice")
    _name_commands(parser)
    return parser


def _name_commands(parser: argparse.ArgumentParser) -> None:
    """Let each command say its own words, for the audit, and print JSON."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for each in set(action.choices.values()):  # an alias is the same one
            _name_commands(each)
    if not below:
        parser.set_defaults(words=parser.prog.removeprefix("duologue "))
        parser.add_argument("--json", action="store_true", help="print JSON also in a terminal")


if __name__ == "__main__":
    sys.exit(main())
