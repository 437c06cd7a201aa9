"""Log in, refresh, log out over HTTP. A good token is one with which the platform asks which call to stop."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from lab.sp.client import LOG_IN, Account, SpClient

GOOD, BAD = "1020152", "1010004"
LONGEST = 180


@pytest.fixture
def sp(new_sp, request):
    """An SP for one test, since log-ins are counted."""
    return new_sp(f"tokens-{abs(hash(request.node.name)) % 10**9}", log_in=False)


def result_of(client: SpClient, token: str) -> str:
    held, client.access_token = client.access_token, token
    try:
        return client.stop("1_2_3_20261123000000@duologue.example.com").code
    finally:
        client.access_token = held


def test_log_in_gives_two_tokens(sp):
    reply = sp.client.log_in()
    assert reply.status == 200
    assert (reply.code, reply.body["expires_in"]) == ("0", "172800")
    for name in ("access_token", "refresh_token"):
        assert reply.body[name].isalnum()
        assert reply.body[name].isascii()
        assert len(reply.body[name]) <= LONGEST
    assert result_of(sp.client, sp.client.access_token) == GOOD


def test_header_names_come_in_any_case(sp):
    query = {"app_key": sp.account.app_key, "username": sp.account.username}
    for name in ("authorization", "AUTHORIZATION"):
        assert sp.client.send(LOG_IN, query, headers={name: sp.account.password}).code == "0"


def test_a_new_log_in_leaves_other_tokens_alive(sp):
    sp.client.log_in()
    first = sp.client.access_token
    sp.client.log_in()
    assert first != sp.client.access_token
    assert result_of(sp.client, first) == result_of(sp.client, sp.client.access_token) == GOOD


def test_a_refresh_ends_what_it_replaces_after_an_overlap(sp, lab):
    sp.client.log_in()
    old = sp.client.access_token, sp.client.refresh_token
    assert sp.client.refresh().code == "0"
    new = sp.client.access_token
    assert new != old[0]
    assert result_of(sp.client, old[0]) == result_of(sp.client, new) == GOOD, "requests in flight"
    let_pass(lab, sp.account, timedelta(seconds=61))
    assert result_of(sp.client, old[0]) == BAD
    assert result_of(sp.client, new) == GOOD
    newest, sp.client.refresh_token = sp.client.refresh_token, old[1]
    assert sp.client.refresh().code == BAD, "a refresh token buys one pair"
    sp.client.refresh_token = newest
    assert sp.client.refresh().code == "0"


def test_a_refresh_twice_is_two_pairs(sp):
    """The answer to the first may have been lost."""
    sp.client.log_in()
    spent = sp.client.refresh_token
    sp.client.refresh()
    first, sp.client.refresh_token = sp.client.access_token, spent
    assert sp.client.refresh().code == "0"
    assert first != sp.client.access_token
    assert result_of(sp.client, first) == result_of(sp.client, sp.client.access_token) == GOOD


def test_a_token_expires_by_the_clock(sp, lab):
    sp.client.log_in()
    let_pass(lab, sp.account, timedelta(hours=47, minutes=59))
    assert result_of(sp.client, sp.client.access_token) == GOOD
    let_pass(lab, sp.account, timedelta(minutes=2))
    assert result_of(sp.client, sp.client.access_token) == BAD
    assert sp.client.refresh().code == "0", "clients refresh when they are told"
    assert result_of(sp.client, sp.client.access_token) == GOOD


def test_log_out_ends_one_log_in_at_once(sp):
    sp.client.log_in()
    stays = sp.client.access_token
    sp.client.log_in()
    replaced = sp.client.access_token
    sp.client.refresh()
    goes = sp.client.access_token
    assert sp.client.log_out().code == "0"
    assert result_of(sp.client, goes) == result_of(sp.client, replaced) == BAD
    assert result_of(sp.client, stays) == GOOD
    assert sp.client.log_out().code == BAD, "a second time there is nothing to end"
    assert sp.client.refresh().code == BAD


def test_the_sixth_log_in_of_a_minute_is_refused(sp):
    assert [sp.client.log_in().code for _ in range(5)] == ["0"] * 5
    reply = sp.client.log_in()
    assert (reply.status, reply.code) == (403, "1010010")
    assert result_of(sp.client, sp.client.access_token) == GOOD


def test_tokens_and_passwords_are_stored_nowhere(sp, lab):
    sp.client.log_in()
    kept = json.dumps(lab.client("dynamodb").scan(TableName=lab.outputs["AccountsTable"])["Items"], default=repr)
    assert sp.account.username in kept, "this looks at the right table"
    for secret in (sp.client.access_token, sp.client.refresh_token, sp.account.password, sp.account.app_secret):
        assert secret not in kept


def let_pass(lab, account: Account, time: timedelta) -> None:
    """Make the app's tokens and log-ins older, as if so much time had passed."""
    table, key = lab.outputs["AccountsTable"], {"pk": {"S": f"APP#{account.app_key}"}, "sk": {"S": "TOKENS"}}
    dynamodb = lab.client("dynamodb")
    register = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    for name in ("grants", "log_ins"):
        older = _older(json.loads(register[name]["S"]), time)
        register[name] = {"S": json.dumps(older)}
    dynamodb.put_item(TableName=table, Item=register)


def _older(kept, time: timedelta):
    if isinstance(kept, list):
        return [_older(each, time) for each in kept]
    try:
        return (datetime.fromisoformat(kept).astimezone(UTC) - time).isoformat()
    except (TypeError, ValueError):
        return kept
