"""Who an SP says it is: the parameters and headers of logging in, refreshing, logging out and every later request.

The token calls' parameters are taken from the query or from a form body, since clients send either; the query wins.
Header names come in any case and are looked up in lower case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from duologue.domain.credentials import AccessToken, Credentials
from duologue.domain.errors import InvalidField, InvalidToken, UnknownApp
from duologue.wire.huawei.digest_headers import brings_digest, is_app_key, read_digest

_MOST = 512
"""No parameter of ours is nearly as long; a longer one is not looked at."""


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
    """Trusted-SP simple authorization: the password is the whole Authorization header, without scheme or encoding.

    Raises:
        InvalidField: one of the three is missing or too long.
        UnknownApp: the app key can be none.
    """
    app_key, username = _app_key(parameters), _required(parameters, "username")
    return LogIn(app_key, username, _required(headers, "authorization", named="Authorization"))


def read_refresh(parameters: Mapping[str, str]) -> Refresh:
    """Read a request for the next pair of tokens.

    Raises:
        InvalidField: one of the four is missing or too long, or another grant type is asked for.
        UnknownApp: the app key can be none.
    """
    app_key, secret = _app_key(parameters), _required(parameters, "app_secret")
    if _required(parameters, "grant_type") != "refresh_token":
        raise InvalidField("grant_type", "must be refresh_token")
    return Refresh(app_key, secret, _required(parameters, "refresh_token"))


def read_credentials(query: Mapping[str, str], headers: Mapping[str, str]) -> Credentials:
    """What proves a business request: a token in the query, or else a digest in the headers.

    Beside a token no header counts: some clients send their password along, or a digest as well. A query that has an
    app key and no token, without a header of a digest, is a client of tokens that forgot its own.

    Raises:
        UnknownApp, InvalidToken: as `read_token`.
        HeaderFault, UnknownApp, InvalidField, RequestStale: as `read_digest`.
    """
    if query.get("access_token") or (("app_key" in query or "access_token" in query) and not brings_digest(headers)):
        return read_token(query)
    return read_digest(headers)


def read_token(parameters: Mapping[str, str]) -> AccessToken:
    """Read an app key and its token. Without either it is the token that is missing: a digest is no log-out.

    Raises:
        InvalidToken: no access token is given; UnknownApp: no app key is given.
    """
    app_key, token = parameters.get("app_key", ""), parameters.get("access_token", "")
    if not 1 <= len(token) <= _MOST:
        raise InvalidToken("access_token is missing or too long")
    if not is_app_key(app_key):
        raise UnknownApp("app_key is missing, or can be none")
    return AccessToken(app_key, token)


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
