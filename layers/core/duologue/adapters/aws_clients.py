"""AWS clients, kept for the life of the process: a client costs tens of milliseconds to make.

Made by botocore alone: boto3 would load its transfer manager with itself, which nothing here uses (R17: one waits).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

from duologue.adapters.aws import NORMAL, ONCE, Timeouts, outside

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


@cache
def _client_once(service: str) -> Any:
    made = _session().create_client(service, config=ONCE)
    made.meta.events.register("before-send", _keep_no_connection)
    return made


def _keep_no_connection(request: Any, **_: Any) -> None:
    request.headers["Connection"] = "close"


class _LazyClient:
    """Stands for a client until the first call to it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


def lazy_client(service: str, timeouts: Timeouts) -> Any:
    """The same, made on first use: for what only some requests need."""
    return _LazyClient(lambda: client(service, timeouts))


def client_once(service: str) -> Any:
    """A client, made on first use, that sends each request once, over a connection of its own.

    A connection that was kept may have died while the process was frozen between two invocations; its one attempt would
    fail, and nobody could tell whether the request had left.
    """
    return _LazyClient(lambda: _client_once(service))
