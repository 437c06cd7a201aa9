"""AWS clients, cached for the life of the process: creating one takes tens of milliseconds.

They are created by botocore: boto3 would also load its transfer manager, which we do not use (R17).
"""

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

from duologue.adapters.basics.aws import NORMAL, ONCE, Timeouts, outside
from duologue.domain.errors import OutsideUnavailable

SIGNING = NORMAL.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
"""For presigned S3 URLs: signature version 4 is the only one that all regions accept. The host must name the region:
for a new bucket of another region the global host answers 307, to where the signature is not valid.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
"""


@cache
def _session() -> Session:
    """Shared by all clients: it caches service models and credentials."""
    return get_session()


_ONE_AT_A_TIME = Lock()
"""A session may not create two clients at a time."""


@cache
def client(service: str, timeouts: Timeouts) -> Any:
    """A client, created now. `timeouts`: FAST, NORMAL or PATIENT (aws.py), or SIGNING.

    Raises:
        OutsideUnavailable: no region is configured, or the configuration is wrong.
    """
    with outside(service), _ONE_AT_A_TIME:
        try:
            return _session().create_client(service, config=timeouts)
        except ValueError as error:  # botocore has no class of its own for this
            raise OutsideUnavailable(f"{error}: set AWS_ENDPOINT_URL to a URL, or unset it") from error


@cache
def _client_once(service: str) -> Any:
    with _ONE_AT_A_TIME:
        made = _session().create_client(service, config=ONCE)
    made.meta.events.register("before-send", _keep_no_connection)
    return made


def _keep_no_connection(request: Any, **_: Any) -> None:
    request.headers["Connection"] = "close"


class _LazyClient:
    """A proxy that creates its client on first use."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


def lazy_client(service: str, timeouts: Timeouts) -> Any:
    """A client created on first use, for what only some requests need."""
    return _LazyClient(lambda: client(service, timeouts))


def client_once(service: str) -> Any:
    """A client, created on first use, that sends each request once, over a new connection.

    A kept connection may have died while the process was frozen between two invocations; the only attempt would then
    fail without showing whether the request had left.
    """
    return _LazyClient(lambda: _client_once(service))
