"""Opens an SP's account as the operator does, with the platform's command line."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from lab.sp.client import Account


def open_account(
    environment: Mapping[str, str],
    *,
    sp: str,
    display_numbers: Sequence[str],
    concurrent_calls: int = 100,
    calls_per_second: int = 100,
    settings: Sequence[str] = (),
    stack: str = "duologue",
) -> Account:
    """Create an SP and an app. `environment`: where the platform's AWS is, as the AWS SDKs read it.

    `settings`: further arguments of `duologue app add`.

    Raises:
        subprocess.CalledProcessError: the command refused; its message is on standard error.
    """
    numbers = [part for number in display_numbers for part in ("--display-number", number)]
    made = operate(environment, "--stack", stack, "sp", "add", sp, "--username", f"{sp}@example.com")
    limits = ("--concurrent-calls", str(concurrent_calls), "--calls-per-second", str(calls_per_second))
    often = ("--requests-per-second", "0")  # a lab looks its calls up as often as it likes
    app = operate(environment, "--stack", stack, "app", "add", sp, *numbers, *limits, *often, *settings)
    return Account(app["app_key"], app["app_secret"], made["username"], made["password"])


def change_app(environment: Mapping[str, str], key: str, *settings: str, stack: str = "duologue") -> None:
    """Change settings of an app (`duologue app set`). Raises: as `open_account`."""
    operate(environment, "--stack", stack, "app", "set", key, *settings)


def operate(environment: Mapping[str, str], *arguments: str) -> dict[str, str]:
    """What a command of the operator printed. Raises: as `open_account`."""
    command = [sys.executable, "-m", "duologue.operator", *arguments]
    done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True)
    output: dict[str, str] = json.loads(done.stdout)
    return output
