"""An SP's requests as `curl` commands for a second terminal (bash or zsh) that has read the file of `env_file`."""

import json
import os
import shlex
from pathlib import Path

from lab.sp.client import CALL_STOP, CLICK2CALL, LOOK_UP

_PROOF = "app_key=$APP_KEY&access_token=$ACCESS_TOKEN"


def commands(env_file: Path, caller: str, callee: str, numbers: tuple[str, ...]) -> str:
    """Read the file, place a callback, look it up, stop it. No line is a comment: zsh takes none from a keyboard.

    `numbers`: the display numbers for the caller's phone and for the callee's.
    """
    body = json.dumps(
        {
            "callerNbr": caller,
            "calleeNbr": callee,
            "displayNbr": numbers[0],
            "displayCalleeNbr": numbers[1],
            "userData": "order-17",
        }
    )
    where = os.path.relpath(env_file)
    read = shlex.quote(str(env_file.resolve()) if where.startswith("..") else where)
    return f"""\
. {read}

SESSION=$(curl -s "$API{CLICK2CALL}?{_PROOF}" -H 'Content-Type: application/json' \\
  -d {shlex.quote(body)} | tee /dev/stderr | field sessionId)

curl -s "$API{LOOK_UP}$SESSION?{_PROOF}" | python3 -m json.tool

curl -s "$API{CALL_STOP}?{_PROOF}" -H 'Content-Type: application/json' \\
  -d '{{"sessionid": "'"$SESSION"'", "signal": "call_stop"}}'
"""
