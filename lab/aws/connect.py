"""boto3 clients of services that are known only at run time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3


def connect(service: str, **settings: Any) -> Any:
    """A client of `service` (its boto3 name) from a session of its own: boto3's default session is not thread-safe."""
    make: Callable[..., Any] = boto3.session.Session().client
    return make(service, **settings)
