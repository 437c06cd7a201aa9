"""The packages that a Lambda function has besides its own code and layers.

AWS: the Python runtime includes boto3, botocore and their dependencies, and nothing else.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html

A function runs on the lab's own interpreter, with only these packages linked from the lab's environment; anything else
that a handler imports must come from a layer, as on AWS.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")


def runtime_path(directory: Path) -> Path:
    """A directory within `directory` with links to PACKAGES; created if necessary."""
    target = directory / "runtime"
    target.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        source = Path(spec.origin)
        source = source.parent if source.name == "__init__.py" else source
        link = target / source.name
        if link.is_symlink() and link.readlink() != source:
            link.unlink()
        if not link.is_symlink():
            link.symlink_to(source)
    return target
