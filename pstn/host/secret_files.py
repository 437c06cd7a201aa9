"""Secrets of AWS Secrets Manager as files that only the service's user can read. Settings and trunks.yaml name them.

A secret is written as one file, `NAME=<name or ARN>`, or has a JSON object of texts, each of which becomes a file with
its name. A secret of one file may be exchanged: `NAME.other` has its version AWSPENDING, else AWSPREVIOUS, else the
same.
"""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class BadSecret(Exception):
    """Its text names the secret and the member, and never a value."""


def write(client: Any, secrets: Iterable[str], folder: Path) -> list[str]:
    """Write `secrets` into `folder`; files of an earlier run that are no longer among them go.

    Nothing is changed unless all secrets could be read.

    Returns:
        The names of the files.

    Raises:
        BadSecret: no JSON object, a name that is none of a file, or two files with one name.
        botocore.exceptions.ClientError: a secret may not be read, or is not there.
    """
    found: dict[str, str] = {}
    for secret in secrets:
        name, _, one = secret.rpartition("=")
        for file, value in _versions(client, name, one) if name else _members(secret, _value(client, secret)):
            if not _NAME.fullmatch(file) or not value:
                raise BadSecret(f"{secret}: {file!r} is no file name, or has no text")
            if found.setdefault(file, value) != value:
                raise BadSecret(f"{file}: two secrets have this name, with different values")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, value in found.items():
        _replace(folder / name, value)
    for path in folder.iterdir():
        if path.name not in found and path.is_file():
            path.unlink()
    return sorted(found)


def _versions(client: Any, name: str, secret: str) -> Iterable[tuple[str, str]]:
    current = _value(client, secret)
    yield name, current
    for stage in ("AWSPENDING", "AWSPREVIOUS"):
        try:
            yield f"{name}.other", _value(client, secret, VersionStage=stage)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
        else:
            return
    yield f"{name}.other", current


def _members(secret: str, text: str) -> Iterable[tuple[str, str]]:
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        raise BadSecret(f"{secret}: it is not a JSON object of texts")
    yield from read.items()


def _value(client: Any, secret: str, **version: str) -> str:
    text: str = client.get_secret_value(SecretId=secret, **version).get("SecretString", "")
    return text


def _replace(path: Path, value: str) -> None:
    """At once, so that nobody reads half of it."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(value)
    new.replace(path)
