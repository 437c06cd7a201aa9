"""The credentials of a request: one class per method, `Credentials` is any of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from duologue.domain.access.accounts import Scheme


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token from a log-in or a refresh, with the key of its app."""

    app_key: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AppDigest:
    """A digest made with a secret of the app, for one request."""

    app_key: str
    nonce: str
    """Valid once, unless the app may reuse nonces."""
    created: tuple[datetime, ...]
    """All possible readings of the digest's time, since clients differ in the time zone; aware."""
    proves: Callable[[str], bool] = field(repr=False, compare=False)
    """Whether it was made with this secret; compares in constant time."""
    scheme: Scheme = Scheme.HMAC


Credentials = AccessToken | AppDigest
