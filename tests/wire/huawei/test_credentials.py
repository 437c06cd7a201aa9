"""What clients bring to log in, refresh and prove a request."""

import pytest

from duologue.domain.credentials import AccessToken
from duologue.domain.errors import InvalidField, InvalidToken, UnknownApp
from duologue.wire.huawei.credentials import read_credentials, read_log_in, read_refresh, read_token

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


def test_a_token_proves_a_request():
    assert read_credentials({"app_key": "k", "access_token": "t"}, {}) == AccessToken("k", "t")


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({}, InvalidToken),
        ({"access_token": "t"}, UnknownApp),
        ({"app_key": "k"}, InvalidToken),
        ({"app_key": "k", "access_token": "t" * 513}, InvalidToken),
    ],
)
def test_a_request_without_proof(parameters, kind):
    with pytest.raises(kind):
        read_token(parameters)
