"""Requests that must be refused: each gets the envelope, a status that is not 200 and a named fault; nothing is
dialled and nothing is stored."""

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from lab.sp.client import CALL_STOP, CLICK2CALL, LOG_IN, REFRESH

CALLER, CALLEE = "+12025550111", "+12025550122"
REMOVE = object()


def in_base64(url: str) -> str:
    return base64.b64encode(url.encode()).decode()


@dataclass(frozen=True)
class Bad:
    """A request for a callback that is right but for these fields, and how it is refused."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    code: str = "1010002"
    status: int = 403


FORBIDDEN = {
    "private": "http://10.0.0.1/status",
    "private, as one number": "http://167772161/status",
    "link-local: where clouds keep their metadata": "http://169.254.169.254/latest",
    "link-local in IPv6": "http://[fe80::1]/status",
    "multicast": "http://224.0.0.1/status",
    "every address of this machine": "http://0.0.0.0/status",
    "private, inside IPv6": "http://[::ffff:10.0.0.1]/status",
}

BAD = (
    Bad("no caller", {"callerNbr": REMOVE}, "callerNbr"),
    Bad("no callee", {"calleeNbr": REMOVE}, "calleeNbr"),
    Bad("an empty number", {"callerNbr": ""}, "callerNbr"),
    Bad("a number without +", {"callerNbr": "12025550111"}, "callerNbr"),
    Bad("a number that is none", {"calleeNbr": "+1202555011x"}, "calleeNbr"),
    Bad("a number that is a JSON number", {"calleeNbr": 12025550122}, "calleeNbr"),
    Bad("an overlong number", {"calleeNbr": "+1" + "2" * 40}, "calleeNbr"),
    Bad("a display number of somebody else", {"displayNbr": "+12025550199"}, "displayNbr", "1010023"),
    Bad("overlong user data", {"userData": "x" * 257}, "userData"),
    Bad("overlong URL", {"statusUrl": in_base64("http://127.0.0.1/" + "x" * 120)}, "statusUrl"),
    Bad("a URL not in Base64", {"feeUrl": "http://127.0.0.1/fee"}, "feeUrl"),
    Bad("Base64 that is no URL", {"statusUrl": in_base64("hello, world")}, "statusUrl"),
    Bad("another scheme", {"statusUrl": in_base64("ftp://127.0.0.1/status")}, "statusUrl"),
    Bad("a port of another protocol", {"statusUrl": in_base64("http://127.0.0.1:25/status")}, "statusUrl has a port"),
    Bad("1441 minutes", {"maxDuration": 1441}, "maxDuration"),
    Bad("fewer than no minutes", {"maxDuration": -1}, "maxDuration"),
    Bad("minutes in words", {"maxDuration": "five"}, "maxDuration"),
    Bad("a recording that the app may not make", {"recordFlag": "true"}, "recordFlag"),
    *(Bad(f"a {kind} address", {"statusUrl": in_base64(url)}, "statusUrl") for kind, url in FORBIDDEN.items()),
    Bad("a forbidden address for the CDR", {"feeUrl": in_base64("http://10.0.0.1/fee")}, "feeUrl"),
)


@pytest.fixture(scope="module")
def sp(new_sp):
    return new_sp("sloppy")


@pytest.fixture(scope="module")
def other(new_sp):
    return new_sp("somebody-else")


@pytest.fixture
def untouched(quiet, lab):
    """Nothing was dialled and nothing stored, but that an attempt to log in was counted."""

    def state() -> tuple[Any, ...]:
        calls = lab.client("dynamodb").scan(TableName=lab.outputs["CallsTable"])["Items"]
        accounts = lab.client("dynamodb").scan(TableName=lab.outputs["AccountsTable"])["Items"]
        dialled = len(lab.pstn.exchange.calls)
        kept = [_uncounted(row) for row in accounts if not row["pk"]["S"].startswith("FAILURES#")]
        return dialled, _sorted(calls), _sorted(kept)

    @contextmanager
    def unchanged():
        before = state()
        yield
        assert state() == before

    return unchanged


def _sorted(rows: list[Any]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True, default=repr) for row in rows)


def _uncounted(row: dict[str, Any]) -> dict[str, Any]:
    """An account's row without how often, and when, it tried to log in."""
    if row["sk"]["S"] != "TOKENS":
        return row
    return {name: value for name, value in row.items() if name in ("pk", "sk", "grants")}


def refused(reply, status: int, code: str, says: str = "") -> None:
    assert reply.status == status
    assert set(reply.body) == {"resultcode", "resultdesc"}
    assert reply.code == code
    assert says in reply.body["resultdesc"]
    assert reply.body["resultdesc"].strip()


@pytest.mark.parametrize("bad", BAD, ids=[bad.name for bad in BAD])
def test_a_bad_request_for_a_callback(bad, sp, untouched):
    wanted = {
        "callerNbr": CALLER,
        "calleeNbr": CALLEE,
        "displayNbr": sp.numbers[0],
        "statusUrl": in_base64(sp.receiver.status_url),
        "feeUrl": in_base64(sp.receiver.fee_url),
        **bad.fields,
    }
    body = {name: value for name, value in wanted.items() if value is not REMOVE}
    with untouched():
        refused(sp.client.post_json(CLICK2CALL, body), bad.status, bad.code, bad.says)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"not JSON", b"[]", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000, b" " * 70_000 + b"{}"],
    ids=["empty", "cut off", "no JSON", "a list", "a string", "null", "no UTF-8", "endless", "too long"],
)
@pytest.mark.parametrize("path", [CLICK2CALL, CALL_STOP])
def test_a_body_that_is_no_object(path, body, sp, untouched):
    with untouched():
        refused(sp.client.post_json(path, body), 403, "1010002", "body")


def test_a_stop_without_or_with_a_strange_session(sp, untouched):
    with untouched():
        refused(sp.client.post_json(CALL_STOP, {"signal": "call_stop"}), 403, "1010002", "sessionid")
        refused(sp.client.post_json(CALL_STOP, {"sessionid": "1", "signal": "go"}), 403, "1010002", "signal")
        refused(sp.client.stop("1_2_3_20261123000000@example.com"), 403, "1020152")
        refused(sp.client.stop("nonsense"), 403, "1020152")


@pytest.mark.parametrize("path", [CLICK2CALL, CALL_STOP])
def test_an_app_or_a_token_that_is_not_good(path, sp, other, untouched):
    key, token = sp.account.app_key, sp.client.access_token
    cases = (
        ({"app_key": "nobody", "access_token": token}, "1010003"),
        ({"access_token": token}, "1010003"),
        ({"app_key": key}, "1010004"),
        ({"app_key": key, "access_token": ""}, "1010004"),
        ({"app_key": key, "access_token": "guessed"}, "1010004"),
        ({"app_key": key, "access_token": other.client.access_token}, "1010004"),
        ({"app_key": key, "access_token": sp.client.refresh_token}, "1010004"),
        ({"app_key": key, "access_token": token * 20}, "1010004"),
    )
    with untouched():
        for query, code in cases:
            refused(sp.client.send(path, query, b"{}", {"Content-Type": "application/json"}), 403, code)


def test_credentials_that_are_wrong(new_sp, untouched):
    sp = new_sp("forgetful")
    key, name = sp.account.app_key, sp.account.username
    right = {"Authorization": sp.account.password}
    with untouched():
        refused(sp.client.send(LOG_IN, {"app_key": "nobody", "username": name}, headers=right), 403, "1010003")
        refused(sp.client.send(LOG_IN, {"username": name}, headers=right), 403, "1010002", "app_key")
        refused(sp.client.send(LOG_IN, {"app_key": key}, headers=right), 403, "1010002", "username")
        refused(sp.client.send(LOG_IN, {"app_key": key, "username": name}), 403, "1010002", "Authorization")
        wrong = {"Authorization": "guessed"}
        refused(sp.client.send(LOG_IN, {"app_key": key, "username": name}, headers=wrong), 403, "1010002", "password")
        refused(sp.client.send(LOG_IN, {"app_key": key, "username": "x"}, headers=right), 403, "1010002", "user name")


def test_a_refresh_that_is_wrong(sp, other, untouched):
    good = {
        "app_key": sp.account.app_key,
        "app_secret": sp.account.app_secret,
        "grant_type": "refresh_token",
        "refresh_token": sp.client.refresh_token,
    }
    cases = (
        ({"app_key": "nobody"}, "1010003"),
        ({"app_secret": other.account.app_secret}, "1010002"),
        ({"grant_type": "password"}, "1010002"),
        ({"refresh_token": other.client.refresh_token}, "1010004"),
        ({"refresh_token": sp.client.access_token}, "1010004"),
    )
    with untouched():
        for change, code in cases:
            form = urlencode({**good, **change}).encode()
            reply = sp.client.send(REFRESH, {}, form, {"Content-Type": "application/x-www-form-urlencoded"})
            refused(reply, 403, code)


def test_a_route_that_does_not_exist(sp, untouched):
    with untouched():
        for path in ("/", "/rest/httpsessions/click2Call/v9.9", "/rest/nothing"):
            refused(sp.client.send(path, {}, b"{}"), 404, "1010006")
        refused(sp.client.send(CLICK2CALL, {}, method="GET"), 404, "1010006")
        read_as_signature = sp.client.send("/rest/nothing", {}, b"{}", {"Authorization": "Secret"})
        refused(read_as_signature, 403, "1020003")
