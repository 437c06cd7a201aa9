"""`duologue trunk check`: whether the SIP trunks of a file work. `duologue-pstn` does it, a package of its own."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from duologue.domain.errors import OutsideUnavailable
from duologue.operator.platform import Platform

PROGRAM = "duologue-pstn"
OPTIONS = {
    "--trunk": ("NAME", "only this trunk"),
    "--call": ("NUMBER", "call this telephone (E.164) over each trunk, after asking; without it nobody is called"),
    "--display-number": ("NUMBER", "the one that it is shown (default: the first one of each trunk)"),
    "--public": ("ADDRESS", "by which trunks reach us, if not as the file says: as an edge has it"),
}
"""Those of `duologue-pstn trunk check` that have a value."""
EXITS = "Ends with 0 if all that was asked works, 1 if something does not, 2 if the arguments are wrong."


def add_to(kinds: Any) -> None:
    trunk = kinds.add_parser("trunk", help="check the SIP trunks of a file").add_subparsers(required=True)
    check = trunk.add_parser("check", help="what of a trunk works, step by step, and what to change", epilog=EXITS)
    check.add_argument("file", help="trunks.yaml")
    for option, (metavar, what) in OPTIONS.items():
        check.add_argument(option, metavar=metavar, help=what)
    check.add_argument("--yes", action="store_true", help="do not ask before the call")
    check.set_defaults(command=_check)
    trunk.metavar = "check"


def _check(asked: argparse.Namespace, _platform: Platform) -> None:
    """Ends with its exit status: 0 all works, 1 not, 2 wrong arguments."""
    beside_python = str(Path(sys.executable).parent)
    program = shutil.which(PROGRAM, path=os.pathsep.join([beside_python, os.environ.get("PATH", os.defpath)]))
    if program is None:
        raise OutsideUnavailable(f"{PROGRAM} is not installed on this machine; it has what talks to trunks")
    given = {option: vars(asked)[option.removeprefix("--").replace("-", "_")] for option in OPTIONS}
    words = [word for option, value in given.items() if value is not None for word in (option, value)]
    switches = [option for option, is_on in (("--yes", asked.yes), ("--json", asked.json)) if is_on]
    command = [program, "trunk", "check", asked.file, *words, *switches]
    sys.exit(subprocess.run(command, check=False).returncode)
