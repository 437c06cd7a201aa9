"""What a request brings to prove whose it is. One class for each way; `Credentials` is any of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token from a log-in or a refresh, with the key of the app that it was given to."""

    app_key: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AppDigest:
    """A digest that only who has a secret of the app can make, anew for each request."""

    app_key: str
    nonce: str
    """Good once."""
    created: tuple[datetime, ...]
    """Every moment that the time beside it can mean, since its writers do not agree on the zone; aware."""
    proves: Callable[[str], bool] = field(repr=False, compare=False)
    """Whether it was made with this secret; in a time that tells nothing of where it differs."""


Credentials = AccessToken | AppDigest
