"""What clients bring to log in, refresh and prove a request."""

import pytest

from duologue.domain.access.credentials import AccessToken
from duologue.domain.errors import InvalidField, InvalidToken, UnknownApp
from duologue.wire.huawei.credentials import read_credentials, read_log_in, read_refresh, read_token
from duologue.wire.huawei.header_faults import HeaderFault

REFRESH = {"app_key": "k", "app_secret": "s", "grant_type": "refresh_token", "refresh_token": "r"}


def test_the_password_is_the_whole_authorization_header():
    asked = read_log_in({"app_key": "k", "username": "+86u", "format": "json"}, {"authorization": "Basic? no: raw"})
    assert (asked.app_key, asked.username, asked.password) == ("k", "+86u", "Basic? no: raw")
    assert "raw" not in repr(asked)


@pytest.mark.parametrize(
    ("parameters", "headers", "field"),
    [
        ({"username": "u"}, {"authorization": "p"}, "app_key"),
        ({"app_key": "k"}, {"authorization": "p"}, "username"),
        ({"app_key": "k", "username": "u"}, {}, "Authorization"),
        ({"app_key": "k", "username": "u"}, {"authorization": ""}, "Authorization"),
        ({"app_key": "k" * 513, "username": "u"}, {"authorization": "p"}, "app_key"),
    ],
)
def test_a_log_in_that_lacks_something(parameters, headers, field):
    with pytest.raises(InvalidField, match=rf"^{field} is"):
        read_log_in(parameters, headers)


def test_a_refresh():
    asked = read_refresh(REFRESH)
    assert (asked.app_key, asked.app_secret, asked.refresh_token) == ("k", "s", "r")


@pytest.mark.parametrize("missing", sorted(REFRESH))
def test_a_refresh_that_lacks_something(missing):
    with pytest.raises(InvalidField, match=rf"^{missing} is required"):
        read_refresh({name: value for name, value in REFRESH.items() if name != missing})


def test_only_refreshing_is_granted():
    with pytest.raises(InvalidField, match=r"^grant_type must be refresh_token"):
        read_refresh(REFRESH | {"grant_type": "password"})


_QUERY = {"app_key": "k", "access_token": "t"}
_DIGEST = {"x-aksk": 'UsernameToken Username="k"'}


@pytest.mark.parametrize(
    ("query", "headers", "token"),
    [
        (_QUERY, {}, AccessToken("k", "t")),
        ({}, {"authorization": "Bearer k.t"}, AccessToken("k", "t")),
        ({}, {"authorization": " bearer  k.1.t "}, AccessToken("k.1", "t")),
        (_QUERY, {"authorization": "Bearer k2.t2"}, AccessToken("k", "t")),
        ({"app_key": "k"}, {"authorization": "Bearer k2.t2"}, AccessToken("k2", "t2")),
        (_QUERY, _DIGEST | {"authorization": 'AKSK realm="SDP"'}, AccessToken("k", "t")),
    ],
)
def test_a_token_authenticates_a_request(query, headers, token):
    assert read_credentials(query, headers) == token
    assert read_token(query, headers) == token


@pytest.mark.parametrize(
    ("query", "headers", "kind"),
    [
        ({"access_token": "t"}, {}, UnknownApp),
        ({"app_key": "k"}, {}, InvalidToken),
        ({"app_key": "k", "access_token": "t" * 513}, {}, InvalidToken),
        ({}, {"authorization": "Bearer"}, InvalidToken),
        ({}, {"authorization": "Bearer k."}, InvalidToken),
        ({}, {"authorization": "Bearer t"}, UnknownApp),
        ({}, {"authorization": "Bearer .t"}, UnknownApp),
        ({}, {"authorization": "Bearer k." + "t" * 513}, InvalidToken),
        ({}, {"authorization": "Bearer " + "k" * 513 + ".t"}, UnknownApp),
        ({}, {"authorization": "Bearers k.t"}, HeaderFault),
        ({}, _DIGEST | {"authorization": "Bearer k.t"}, HeaderFault),
        ({}, {}, HeaderFault),
    ],
)
def test_a_request_without_credentials(query, headers, kind):
    with pytest.raises(kind):
        read_credentials(query, headers)


def test_a_log_out_without_a_token():
    with pytest.raises(InvalidToken):
        read_token({}, {})
