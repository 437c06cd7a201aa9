"""Secrets of AWS Secrets Manager as files that only the service's user can read.

Each secret is a JSON object of texts; a member becomes a file with its name. trunks.yaml and the settings name the
files.
"""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class BadSecret(Exception):
    """Its text names the secret and the member, and never a value."""


def write(client: Any, secrets: Iterable[str], folder: Path) -> list[str]:
    """Write every member of `secrets` (names or ARNs) into `folder`; files that are no longer members go.

    Nothing is changed unless all secrets could be read.

    Returns:
        The names of the files.

    Raises:
        BadSecret: no JSON object, or two members with one name.
        botocore.exceptions.ClientError: a secret may not be read, or is not there.
    """
    members: dict[str, str] = {}
    for secret in secrets:
        for name, value in _members(secret, client.get_secret_value(SecretId=secret).get("SecretString", "")):
            if members.setdefault(name, value) != value:
                raise BadSecret(f"{name}: two secrets have this member, with different values")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, value in members.items():
        _replace(folder / name, value)
    for path in folder.iterdir():
        if path.name not in members and path.is_file():
            path.unlink()
    return sorted(members)


def _members(secret: str, text: str) -> Iterable[tuple[str, str]]:
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise BadSecret(f"{secret}: it is not a JSON object")
    for name, value in read.items():
        if not _NAME.fullmatch(name) or not isinstance(value, str) or not value:
            raise BadSecret(f"{secret}: the member {name!r} is no file name, or has no text")
        yield name, value


def _replace(path: Path, value: str) -> None:
    """At once, so that nobody reads half of it."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(value)
    new.replace(path)
