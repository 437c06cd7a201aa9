"""Log in, refresh, log out: sample in, body out."""

import json
import logging
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.domain.access.accounts import App, Scheme, Sp
from duologue.domain.access.attempts import Attempt, Failures, Proof
from duologue.domain.access.tokens import Register, TokenPair
from duologue.runtime.wiring.sessions import Dependencies
from duologue.usecases.access.log_in import LogIn
from duologue.usecases.access.log_out import LogOut
from duologue.usecases.access.refresh_token import RefreshToken
from functions.sessions.handler import answer, handler
from tests.fakes.accounts import FakeAccounts
from tests.fakes.auth_attempts import FakeAuthAttempts
from tests.fakes.clock import FakeClock
from tests.fakes.passwords import cheap_hash
from tests.functions import worlds
from tests.functions.proofs import GENERATIONS

SECRET = "n0tAReAlSecret0123456789abcdefghijklmnopqrs"


def sample(name: str) -> dict:
    return worlds.sample("sessions", name)


LOGGED_IN = sample("sp_logged_in")
KEY = LOGGED_IN["queryStringParameters"]["app_key"]


class Api:
    def __init__(self) -> None:
        self.accounts, self.auth_attempts, self.clock = FakeAccounts(), FakeAuthAttempts(), FakeClock()
        hashed = cheap_hash(LOGGED_IN["headers"]["Authorization"])
        self.accounts.add_sp(Sp("sp-1", LOGGED_IN["queryStringParameters"]["username"], hashed))
        self.accounts.add_app(App(KEY, "sp-1", SECRET))
        known = self.accounts, self.accounts, self.auth_attempts, self.clock, random.Random(1).randbytes
        self.dependencies = Dependencies(LogIn(*known), RefreshToken(*known), LogOut(self.accounts, self.clock))

    def say(self, event: dict) -> tuple[int, dict]:
        said = answer(event, self.dependencies)
        assert said["headers"]["Content-Type"] == "application/json;charset=UTF-8"
        assert said["headers"]["Cache-Control"] == "no-store", "no proxy may keep a token"
        assert said["isBase64Encoded"] is False
        return said["statusCode"], json.loads(said["body"])

    def log_in(self) -> dict:
        status, body = self.say(LOGGED_IN)
        assert status == 200
        return body


@pytest.fixture
def api():
    return Api()


def with_query(event: dict, **query) -> dict:
    return event | {"queryStringParameters": (event["queryStringParameters"] or {}) | query}


def test_a_log_in_gives_tokens_as_strings(api):
    status, body = api.say(LOGGED_IN)
    assert status == 200
    assert set(body) == {"access_token", "refresh_token", "resultcode", "resultdesc", "expires_in"}
    assert (body["resultcode"], body["resultdesc"], body["expires_in"]) == ("0", "Succeed", "172800")
    assert all(body[name].isalnum() and len(body[name]) <= 180 for name in ("access_token", "refresh_token"))


@pytest.mark.parametrize("spelling", ["Authorization", "authorization", "AUTHORIZATION", "aUTHORIZATION"])
def test_header_names_come_in_any_case(api, spelling):
    headers = {spelling: LOGGED_IN["headers"]["Authorization"]}
    assert api.say(LOGGED_IN | {"headers": headers})[0] == 200


def test_the_parameters_of_a_log_in_may_be_a_form(api):
    body = f"app_key={KEY}&username=training-institute"
    assert api.say(LOGGED_IN | {"queryStringParameters": None, "body": body})[0] == 200


@pytest.mark.parametrize(
    ("event", "code", "named"),
    [
        (with_query(LOGGED_IN, app_key="unknown"), "1010003", "app_key"),
        (with_query(LOGGED_IN, username="nobody"), "1010002", "user name, password"),
        (LOGGED_IN | {"headers": {"Authorization": "wrong"}}, "1010002", "user name, password"),
        (LOGGED_IN | {"headers": None}, "1010002", "Authorization is required"),
        (LOGGED_IN | {"queryStringParameters": None}, "1010002", "app_key is required"),
        (sample("password_was_missing"), "1010002", "Authorization is required"),
        (LOGGED_IN | {"body": "a=1&" * 60}, "1010002", "too many fields"),
        (LOGGED_IN | {"body": "%%%", "isBase64Encoded": True}, "1010002", "body is not Base64"),
    ],
)
def test_a_refused_log_in_names_its_fault(api, event, code, named):
    status, body = api.say(event)
    assert (status, body["resultcode"]) == (403, code)
    assert named in body["resultdesc"]
    assert "access_token" not in body


def test_the_sixth_log_in_within_a_minute(api):
    for _ in range(5):
        api.log_in()
    api.clock.advance(12.5)
    said = answer(LOGGED_IN, api.dependencies)
    assert (said["statusCode"], json.loads(said["body"])["resultcode"]) == (403, "1010010")
    assert said["headers"]["Retry-After"] == "48"
    api.clock.advance(47.5)
    api.log_in()


def refresh_by_form(token: str, secret: str = SECRET) -> dict:
    form = f"app_key={KEY}&app_secret={secret}&grant_type=refresh_token&refresh_token={token}"
    return sample("tokens_refreshed_by_form") | {"body": form}


def test_a_refresh_by_form_and_by_query(api):
    first = api.log_in()
    status, second = api.say(refresh_by_form(first["refresh_token"]))
    assert (status, second["resultdesc"]) == (200, "Succeed")
    by_query = with_query(sample("tokens_refreshed_by_query"), refresh_token=second["refresh_token"])
    status, third = api.say(by_query)
    assert status == 200
    assert len({first["access_token"], second["access_token"], third["access_token"]}) == 3


def test_a_refresh_of_nothing(api):
    api.log_in()
    assert api.say(sample("tokens_refreshed_by_form"))[1]["resultcode"] == "1010004"
    assert api.say(refresh_by_form("x", secret="wrong"))[1]["resultcode"] == "1010002"
    empty = api.say(sample("tokens_refreshed_by_form") | {"body": None})
    assert empty == (403, {"resultcode": "1010002", "resultdesc": "Invalid request.app_key is required"})


_NOT_ALLOWED = "Invalid request.The operator has not allowed the app to authenticate in this way."
LOCKS = {Proof.PASSWORD: "log-in", Proof.SECRET: "refresh", Proof.DIGEST: "neither"}


@pytest.mark.parametrize("locked", LOCKS)
def test_a_lock_closes_the_one_way_that_it_is_of(api, locked):
    """Log-out is never closed: it takes a token, and only takes away."""
    tokens = api.log_in()
    attempt = Attempt(KEY, locked, LOGGED_IN["requestContext"]["identity"]["sourceIp"])
    api.auth_attempts.save_failures(attempt, Failures(locked_until=api.clock.now() + timedelta(minutes=7)))
    requests = {
        "log-in": LOGGED_IN,
        "refresh": refresh_by_form(tokens["refresh_token"]),
        "log-out": with_query(sample("sp_logged_out"), access_token=tokens["access_token"]),
    }
    for name, event in requests.items():
        said = answer(event, api.dependencies)
        code, again_after = json.loads(said["body"])["resultcode"], said["headers"].get("Retry-After")
        assert (code, again_after) == (("1020176", "420") if name == LOCKS[locked] else ("0", None))


def test_an_app_that_may_not_use_tokens_gets_none_and_may_log_out(api):
    tokens = api.log_in()
    api.accounts.change_app(KEY, lambda app: replace(app, schemes=(Scheme.HMAC,)))
    wrong = LOGGED_IN | {"headers": {"Authorization": "wrong"}}
    for event in (LOGGED_IN, wrong, refresh_by_form(tokens["refresh_token"])):
        refused = {"resultcode": "1010002", "resultdesc": _NOT_ALLOWED}
        assert api.say(event) == (403, refused)
    assert api.auth_attempts.writes == 0
    assert api.say(with_query(sample("sp_logged_out"), access_token=tokens["access_token"]))[0] == 200


def test_an_app_gets_tokens_only_where_it_may_be_used_and_may_log_out_anywhere(api):
    tokens = api.log_in()
    api.accounts.change_app(KEY, lambda app: replace(app, allowed_addresses=("203.0.113.0/24",)))
    wrong = LOGGED_IN | {"headers": {"Authorization": "wrong"}}
    for event in (LOGGED_IN, wrong, refresh_by_form(tokens["refresh_token"]), refresh_by_form("x", secret="wrong")):
        assert api.say(event)[1]["resultcode"] == "1020166"
    assert api.auth_attempts.writes == 0
    assert api.say(with_query(sample("sp_logged_out"), access_token=tokens["access_token"]))[0] == 200


def test_anothers_token_ends_nothing_and_is_as_unknown_as_one_of_nobody(api):
    api.accounts.add_sp(Sp("sp-2", "another company", "no log-in here"))
    api.accounts.add_app(App("app-2", "sp-2", "secret-2"))
    api.accounts.save("app-2", Register().grant(TokenPair("token-2", "refresh-2"), api.clock.now()))
    token = api.log_in()["access_token"]
    out = sample("sp_logged_out")
    foreign = answer(with_query(out, app_key="app-2", access_token=token), api.dependencies)
    unknown = answer(with_query(out, app_key="app-2", access_token="a token of nobody"), api.dependencies)
    assert foreign == unknown
    assert json.loads(foreign["body"])["resultcode"] == "1010004"
    assert api.say(with_query(out, access_token=token))[0] == 200, "to its owner it was there"


def test_a_stray_password_beside_a_token_counts_for_nothing(api):
    out = with_query(sample("sp_logged_out"), access_token=api.log_in()["access_token"])
    assert api.say(out | {"headers": {"Authorization": "a stray password"}})[0] == 200


def test_a_store_out_of_reach_is_said_as_busy(api):
    api.accounts.out_of_reach = True
    said = answer(LOGGED_IN, api.dependencies)
    assert (said["statusCode"], said["headers"]["Retry-After"]) == (500, "5")


def test_what_nobody_foresaw_gets_the_static_answer(monkeypatch):
    monkeypatch.delenv("ACCOUNTS_TABLE", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    said = handler(LOGGED_IN, None)
    assert (said["statusCode"], said["headers"]["Cache-Control"]) == (500, "no-store")
    assert json.loads(said["body"]) == {"resultcode": "1010001", "resultdesc": "Internal error."}


def test_nothing_secret_is_logged(api, caplog):
    caplog.set_level(logging.DEBUG)
    body = api.log_in()
    api.say(LOGGED_IN | {"headers": {"Authorization": "a wrong password"}})
    api.say(refresh_by_form(body["refresh_token"]))
    logged = "\n".join(str(vars(record)) for record in caplog.records)
    assert "/rest/fastlogin/v1.0" in logged
    secrets = (LOGGED_IN["headers"]["Authorization"], "a wrong password", SECRET, body["access_token"])
    assert not [secret for secret in secrets if secret in logged]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_headers_of_a_digest_prove_nothing_where_tokens_are_given_out(api, generation):
    """Here Authorization is the password, and the other header nothing."""
    token = api.log_in()["access_token"]
    signed = GENERATIONS[generation](KEY, SECRET, "2026-11-23T09:00:00Z").headers
    assert api.say(LOGGED_IN | {"headers": signed})[1]["resultcode"] == "1010002"
    out = sample("sp_logged_out") | {"headers": signed}
    assert api.say(out | {"queryStringParameters": None})[1]["resultcode"] == "1010004"
    assert api.say(with_query(out, access_token=""))[1]["resultcode"] == "1010004"
    refresh = sample("tokens_refreshed_by_form") | {"headers": signed, "body": None}
    assert api.say(refresh)[1]["resultcode"] == "1010002"
    assert api.say(with_query(out, access_token=token))[0] == 200
