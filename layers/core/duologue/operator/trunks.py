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


def add_to(kinds: Any) -> None:
    trunk = kinds.add_parser("trunk", help="check the SIP trunks of a file").add_subparsers(required=True)
    check = trunk.add_parser("check", help="what of a trunk works, step by step, and what to change")
    check.add_argument("file", help="trunks.yaml")
    check.add_argument(
        "options", nargs=argparse.REMAINDER, help=f"options of `{PROGRAM} trunk check`, whose --help has them"
    )
    check.set_defaults(command=_check)
    trunk.metavar = "check"


def _check(asked: argparse.Namespace, _platform: Platform) -> None:
    """Ends with its exit status: 0 all works, 1 not, 2 wrong arguments."""
    beside_python = str(Path(sys.executable).parent)
    program = shutil.which(PROGRAM, path=os.pathsep.join([beside_python, os.environ.get("PATH", os.defpath)]))
    if program is None:
        raise OutsideUnavailable(f"{PROGRAM} is not installed on this machine; it has what talks to trunks")
    json_wanted = ["--json"] if asked.json else []
    sys.exit(
        subprocess.run([program, "trunk", "check", asked.file, *asked.options, *json_wanted], check=False).returncode
    )
