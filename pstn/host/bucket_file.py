"""A file of an S3 bucket on this machine, such as trunks.yaml."""

import os
from pathlib import Path
from typing import Any


def fetch(client: Any, place: str, into: Path) -> None:
    """`place`: BUCKET/KEY. The file is root's alone, and replaced at once.

    Raises:
        ValueError: no bucket and key.
        botocore.exceptions.ClientError: it may not be read, or is not there.
    """
    bucket, _, key = place.partition("/")
    if not bucket or not key:
        raise ValueError(f"{place!r} is not BUCKET/KEY")
    content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    new = into.with_name(f".{into.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    new.replace(into)
