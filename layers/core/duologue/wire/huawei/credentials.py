"""Parameters and headers of log-in, refresh and log-out, and the credentials of all other requests.

Clients send the parameters of the token requests in the query or as a form; the query takes precedence. Header names
are in lower case. A bearer token is ours, not the format's (docs/decisions/0030-bearer-tokens.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from duologue.domain.access.credentials import AccessToken, Credentials
from duologue.domain.errors import InvalidField, InvalidToken, UnknownApp
from duologue.wire.huawei.digest_headers import brings_digest, is_app_key, read_digest

_MOST = 512
"""Far longer than any valid parameter; longer ones are rejected."""


@dataclass(frozen=True, slots=True)
class LogIn:
    app_key: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refresh:
    app_key: str
    app_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


def read_log_in(parameters: Mapping[str, str], headers: Mapping[str, str]) -> LogIn:
    """Simple authorization: the password is the entire Authorization header, without scheme or encoding.

    Raises:
        InvalidField: one of the three is missing or too long.
        UnknownApp: the app key is malformed.
    """
    app_key, username = _app_key(parameters), _required(parameters, "username")
    return LogIn(app_key, username, _required(headers, "authorization", named="Authorization"))


def read_refresh(parameters: Mapping[str, str]) -> Refresh:
    """Parse a request for the next pair of tokens.

    Raises:
        InvalidField: one of the four is missing or too long, or the grant type is another.
        UnknownApp: the app key is malformed.
    """
    app_key, secret = _app_key(parameters), _required(parameters, "app_secret")
    if _required(parameters, "grant_type") != "refresh_token":
        raise InvalidField("grant_type", "must be refresh_token")
    return Refresh(app_key, secret, _required(parameters, "refresh_token"))


def read_credentials(query: Mapping[str, str], headers: Mapping[str, str]) -> Credentials:
    """The credentials of a request: a token in the query, else a digest in the headers, else a bearer token.

    With a token in the query the headers are ignored: some clients send their password, or a digest as well. A query
    with an app key but no token, without digest or bearer token, is treated as a missing token.

    Raises:
        UnknownApp, InvalidToken: as `read_token`.
        HeaderFault, UnknownApp, InvalidField, RequestStale: as `read_digest`.
    """
    token = _bearer(headers) is not None or "app_key" in query or "access_token" in query
    if query.get("access_token") or (token and not brings_digest(headers)):
        return read_token(query, headers)
    return read_digest(headers)


def read_token(parameters: Mapping[str, str], headers: Mapping[str, str]) -> AccessToken:
    """Parse an app key and its token: the parameters' token, else a bearer token. If all are missing, the token is
    reported.

    Raises:
        InvalidToken: no access token, or too long. UnknownApp: no valid app key.
    """
    app_key, token = parameters.get("app_key", ""), parameters.get("access_token", "")
    if not token and (bearer := _bearer(headers)) is not None:
        app_key, _, token = bearer.rpartition(".")  # a token has no dot; an app key may
    if not 1 <= len(token) <= _MOST:
        raise InvalidToken("access_token is missing or too long")
    if not is_app_key(app_key):
        raise UnknownApp("app_key is missing, or can be none")
    return AccessToken(app_key, token)


def _bearer(headers: Mapping[str, str]) -> str | None:
    """What follows `Bearer` in the Authorization header (RFC 6750 §2.1): `<app key>.<access token>`."""
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else None


def _app_key(parameters: Mapping[str, str]) -> str:
    app_key = _required(parameters, "app_key")
    if not is_app_key(app_key):
        raise UnknownApp("app_key can be none")
    return app_key


def _required(given: Mapping[str, str], name: str, *, named: str | None = None) -> str:
    value = given.get(name, "")
    if not value:
        raise InvalidField(named or name, "is required")
    if len(value) > _MOST:
        raise InvalidField(named or name, "is too long")
    return value
