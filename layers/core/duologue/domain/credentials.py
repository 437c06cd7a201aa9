"""What a request brings to prove whose it is. One class for each way; `Credentials` is any of them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token from a log-in or a refresh, with the key of the app that it was given to."""

    app_key: str
    token: str = field(repr=False)


Credentials = AccessToken
