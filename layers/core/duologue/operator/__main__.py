"""`duologue …`: what the operator of the platform does by hand.

    duologue sp add acme --username acme@example.com
    duologue app add acme --display-number +12025550100 --status-url https://sp.example.com/status
    duologue app set <app key> --calls-per-callee-per-day 3 --country US --country CA
    duologue app rotate-secret <app key>
    duologue app end-tokens <app key>
    duologue sp set-password acme
    duologue prompt put <app key> welcome.wav
    duologue prompt put-own audio

Where the platform is: the stack's name (its outputs are read), or the table and the key themselves. AWS credentials,
region and endpoint come from the usual AWS environment. Everything is printed as one JSON object. A password is read
from standard input, or made up and printed; it is never an argument, where every user of the machine could read it.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from duologue.adapters.aws import PATIENT
from duologue.adapters.aws_clients import client
from duologue.domain.errors import DuologueError
from duologue.operator import apps, prompts, sps
from duologue.operator.platform import Platform

_PATIENT_CLIENT = partial(client, timeouts=PATIENT)


def main(arguments: Sequence[str] | None = None, client: Callable[[str], Any] = _PATIENT_CLIENT) -> int:
    """Do one command. Returns the exit status: 0 done, 1 refused or out of reach (a wrong command line ends with 2).

    `client` makes the client of an AWS service.
    """
    asked = _parser().parse_args(arguments)
    try:
        said = asked.command(asked, Platform(asked, client))
    except DuologueError as error:
        print(f"duologue: {error}", file=sys.stderr)
        return 1
    print(json.dumps(said, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="duologue", description="Keep the accounts of a Duologue platform.")
    place = parser.add_argument_group("where the platform is")
    place.add_argument("--stack", default="duologue", help="its CloudFormation stack (default: %(default)s)")
    place.add_argument("--accounts-table", help="its accounts table, instead of the stack's")
    place.add_argument("--key-id", help="its KMS key, instead of the stack's")
    place.add_argument("--prompts-bucket", help="its bucket of prompts, instead of the stack's")
    kinds = parser.add_subparsers(metavar="sp|app|prompt", required=True)
    sps.add_to(kinds)
    apps.add_to(kinds)
    prompts.add_to(kinds)
    return parser


if __name__ == "__main__":
    sys.exit(main())
