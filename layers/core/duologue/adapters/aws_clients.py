"""AWS clients, kept for the life of the process: a client costs tens of milliseconds to make.

Made by botocore alone: boto3 would load its transfer manager with itself, which nothing here uses (R17: one waits).
"""

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

from duologue.adapters.aws import NORMAL, Timeouts, outside

SIGNING = NORMAL.merge(Config(signature_version="s3v4"))
"""For S3 URLs that are given to others: version 4 is the one signature that every region takes."""


@cache
def _session() -> Session:
    """One for all clients: it keeps what they read from files, and the credentials."""
    return get_session()


@cache
def client(service: str, timeouts: Timeouts) -> Any:
    """A client, made now. `timeouts`: FAST, NORMAL or PATIENT (aws.py), or SIGNING.

    Raises:
        OutsideUnavailable: nothing says which region.
    """
    with outside(service):
        return _session().create_client(service, config=timeouts)


class _LazyClient:
    """Stands for a client until the first call to it."""

    def __init__(self, service: str, timeouts: Timeouts) -> None:
        self._service = service
        self._timeouts = timeouts

    def __getattr__(self, name: str) -> Any:
        return getattr(client(self._service, self._timeouts), name)


def lazy_client(service: str, timeouts: Timeouts) -> Any:
    """The same, made on first use: for what only some requests need."""
    return _LazyClient(service, timeouts)
