"""The file for a second terminal, `. .lab/env` in bash or zsh: where the lab is, and the account of its SP.

No variable has a name that a shell treats specially (zsh: USERNAME, PATH's relatives).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from lab.lab import Lab
from lab.sp.service_provider import ServiceProvider

ENV_FILE = "env"
"""Its name in the state directory."""


def variables(lab: Lab, sp: ServiceProvider, caller: str, callee: str) -> dict[str, str]:
    """By name. The SP must have logged in. The last ones are for the operator's command and the AWS SDKs."""
    return {
        "API": lab.api_url,
        "APP_KEY": sp.account.app_key,
        "APP_SECRET": sp.account.app_secret,
        "SP_USERNAME": sp.account.username,
        "SP_PASSWORD": sp.account.password,
        "ACCESS_TOKEN": sp.client.access_token,
        "REFRESH_TOKEN": sp.client.refresh_token,
        "STATUS_URL": sp.receiver.status_url,
        "FEE_URL": sp.receiver.fee_url,
        "CALLER": caller,
        "CALLEE": callee,
        **lab.environment,
    }


def env_file(state_dir: Path, values: Mapping[str, str]) -> AbstractContextManager[Path]:
    """Write the file and remove it at the end. If the lab is killed, the file stays and says so when it is read."""
    return written(state_dir / ENV_FILE, _text(values))


@contextmanager
def written(file: Path, text: str) -> Iterator[Path]:
    """Write a file that only its owner can read; at the end remove it, unless another lab has written it since."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    with open(fresh, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags | os.O_EXCL, 0o600)) as out:
        out.write(text)
    fresh.replace(file)
    try:
        yield file
    finally:
        with suppress(FileNotFoundError):
            if file.read_text(encoding="utf-8") == text:
                file.unlink()


def _text(values: Mapping[str, str]) -> str:
    exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())
    return f"""\
# Written by `make up` and removed when it ends. To read in bash or zsh, in this folder: . ./{ENV_FILE}
kill -0 {os.getpid()} 2>/dev/null || echo "The lab that wrote this file has ended: run make up." >&2
{exports}
# The value of one field of the JSON object on standard input.
field() {{ python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }}
"""
