"""Every generation of authentication at every route: what is right, and each thing that can be wrong, by its code."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from duologue.domain.access.accounts import App, Scheme, Sp
from duologue.domain.access.tokens import Register, TokenPair
from duologue.wire.huawei import routes
from functions.callback_api.handler import answer
from tests.functions.proofs import GENERATIONS, Signed, aksk, proven, with_token, written
from tests.functions.worlds import CALL_ID, HOST, Api, sample
from tests.samples import NETWORK_CALL, NOW
from tools.template import functions, read_template

SECRET, OLDER = "secret-1", "the secret before"
TOKEN = sample("callback_api", "callback_placed")["queryStringParameters"]["access_token"]
ROUTES: dict[str, tuple[str, dict[str, Any]]] = {
    # A sample, and where its request is changed.
    "place": ("callback_placed", {}),
    "place-in-sandbox": ("callback_placed", {"resource": routes.SANDBOX_PLACE}),
    "place-v1": ("callback_placed", {"resource": routes.OLDER_PLACE}),
    "place-v1-in-sandbox": ("callback_placed", {"resource": routes.OLDER_SANDBOX_PLACE}),
    "stop": ("callback_stopped", {}),
    "look-up": ("callback_looked_up", {}),
    "record": ("recording_asked_for", {}),
    "delete-record": ("recording_asked_for", {"httpMethod": "DELETE"}),
    "show-urls": ("notification_urls_shown", {}),
    "set-urls": ("notification_urls_set", {}),
}
Said = tuple[int, str]


def everywhere(cases: Iterable[tuple[str, ...]], one: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Every case at one route, and one case at every route: what judges a proof does not know the route."""
    return [*dict.fromkeys([*(("place", *case) for case in cases), *((route, *one) for route in ROUTES)])]


class Door(Api):
    """The API with a call in progress and its recording, so that each route has a right answer."""

    def __init__(self) -> None:
        super().__init__()
        self.record()
        self.calls.change(CALL_ID, network_call=NETWORK_CALL)
        self.change(test_numbers=("+12025550111", "+12025550122"), older_secret=OLDER)

    def change(self, **fields: Any) -> None:
        self.accounts.apps[self.key] = replace(self.accounts.apps[self.key], **fields)

    def signed(self, generation: str, **other: Any) -> Signed:
        return GENERATIONS[generation](self.key, SECRET, written(self.clock.now())).but(**other)

    def knock(self, event: dict[str, Any]) -> Said:
        """Status and result code."""
        said = answer(event, self.dependencies)
        return said["statusCode"], json.loads(said["body"])["resultcode"] if said["body"] else "0"

    @property
    def state(self) -> Any:
        """Everything that a request could change for others."""
        apps, started = dict(self.accounts.apps), dict(self.flows.started)
        sounds = set(self.recordings.sounds)
        return apps, started, dict(self.calls.rows), list(self.network.asked), dict(self.links.links), sounds


@pytest.fixture
def door():
    return Door()


def event_of(route: str) -> dict[str, Any]:
    name, changes = ROUTES[route]
    return sample("callback_api", name) | changes


def right(route: str) -> Said:
    return (301, "0") if route == "record" else (200, "0")


# ---- what is right


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("secret", [SECRET, OLDER])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_digest_opens_every_route_with_either_live_secret(door, route, generation, secret):
    assert door.knock(proven(event_of(route), door.signed(generation, secret=secret).headers)) == right(route)


@pytest.mark.parametrize("route", ROUTES)
def test_a_token_opens_every_route(door, route):
    assert door.knock(event_of(route)) == right(route)


STRAY = {
    "a password": {"Authorization": "the password of the account"},
    "headers of a digest that is wrong": aksk("nobody", "no secret", "never").headers,
    "half of a digest": {"X-WSSE": "UsernameToken"},
}


@pytest.mark.parametrize("stray", STRAY)
@pytest.mark.parametrize("route", ROUTES)
def test_beside_a_token_no_header_counts(door, route, stray):
    event = event_of(route)
    assert door.knock(event | {"headers": {**event["headers"], **STRAY[stray]}}) == right(route)


TOLERATED: dict[str, Callable[[Signed], dict[str, str]]] = {
    "separators with spaces": lambda signed: signed.but(separator=", ").headers,
    "only spaces between": lambda signed: signed.but(separator=" ").headers,
    "names of headers in lower case": lambda signed: {name.lower(): v for name, v in signed.headers.items()},
    "names of headers in upper case": lambda signed: {name.upper(): v for name, v in signed.headers.items()},
    "names of attributes in lower case": lambda signed: {
        name: value.replace("Username=", "username=").replace("Created=", "created=")
        for name, value in signed.headers.items()
    },
    "another spelling of the type": lambda signed: signed.but(type="AppKey").headers,
    "attributes in another order": lambda signed: {
        name: reordered(value) for name, value in signed.but(separator=",").headers.items()
    },
    "values without quotes": lambda signed: {name: v.replace('"', "") for name, v in signed.headers.items()},
    "spaces around": lambda signed: {name: f"  {value}  " for name, value in signed.headers.items()},
    "a nonce in Base64": lambda signed: signed.but(nonce="q+/81pGm0dJ3xYw5Q7b0Zg==").headers,
    "a nonce that is a time": lambda signed: signed.but(nonce="2026-11-23 09:00:00").headers,
    "the longest nonce": lambda signed: signed.but(nonce="n" * 128).headers,
    "a time in UTC+8": lambda signed: signed.but(created=written(NOW + timedelta(hours=8))).headers,
    "a time with its offset": lambda signed: signed.but(created="2026-11-23T04:00:00.1234567-05:00").headers,
    "a clock 5 minutes fast": lambda signed: signed.but(created=written(NOW + timedelta(minutes=5))).headers,
    "a clock 5 minutes slow": lambda signed: signed.but(created=written(NOW - timedelta(minutes=5))).headers,
}


def reordered(value: str) -> str:
    word, _, attributes = value.partition(" ")
    return f"{word} {','.join(reversed(attributes.split(',')))}"


@pytest.mark.parametrize("how", TOLERATED)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_clients_write_in_other_ways(door, generation, how):
    headers = TOLERATED[how](door.signed(generation))
    assert door.knock(proven(event_of("look-up"), headers)) == (200, "0")


def test_parameters_that_mean_nothing_beside_a_digest(door):
    event = proven(event_of("look-up"), door.signed("aksk").headers)
    assert door.knock(event | {"queryStringParameters": {"format": "json", "app_key": door.key}}) == (200, "0")
    headers = door.signed("aksk").headers
    empty = proven(event_of("look-up"), headers) | {"queryStringParameters": {"access_token": ""}}
    assert door.knock(empty) == (200, "0")


def test_the_newer_header_counts_if_both_are_there(door):
    older, newer = door.signed("wsse-hex").headers, door.signed("aksk").headers
    assert door.knock(proven(event_of("look-up"), older | newer)) == (200, "0")
    wrong = door.signed("aksk", secret="no secret").headers
    assert door.knock(proven(event_of("look-up"), older | wrong)) == (403, "1023001")


def test_the_word_of_the_other_generation(door):
    """A client of both had one constant for Authorization."""
    for generation, scheme in (("aksk", "WSSE"), ("wsse-raw", "AKSK")):
        assert door.knock(proven(event_of("look-up"), door.signed(generation, scheme=scheme).headers)) == (200, "0")


# ---- what is wrong


def missing(newer: str, older: str) -> dict[str, str]:
    return {"aksk": newer, "wsse-hex": older, "wsse-raw": older}


BOTH = dict.fromkeys
WRONG: dict[str, tuple[dict[str, Any], int, dict[str, str]]] = {
    # What is changed; the status; the result code in each generation.
    "no Authorization": ({"has_authorization": False}, 400, BOTH(GENERATIONS, "1023006")),
    "no scheme": ({"scheme": ""}, 400, BOTH(GENERATIONS, "1023013")),
    "another scheme": ({"scheme": "Bearer"}, 400, BOTH(GENERATIONS, "1023013")),
    "a scheme that only begins like one": ({"scheme": "AKSKWSSE"}, 400, BOTH(GENERATIONS, "1023013")),
    "no realm": ({"realm": None}, 400, BOTH(GENERATIONS, "1023007")),
    "an empty realm": ({"realm": ""}, 400, BOTH(GENERATIONS, "1023007")),
    "no profile": ({"profile": None}, 400, BOTH(GENERATIONS, "1023008")),
    "another realm": ({"realm": "SDK"}, 400, BOTH(GENERATIONS, "1023009")),
    "another profile": ({"profile": "Username"}, 400, BOTH(GENERATIONS, "1023010")),
    "another type": ({"type": "Secret"}, 400, BOTH(GENERATIONS, "1023011")),
    "no type": ({"type": None}, 400, BOTH(GENERATIONS, "1023012")),
    "no header of the digest": ({"has_header": False}, 400, missing("1023033", "1023026")),
    "no user name": ({"username": None}, 400, missing("1023034", "1023027")),
    "an empty user name": ({"username": ""}, 400, missing("1023034", "1023027")),
    "no nonce": ({"nonce": None}, 400, missing("1023035", "1023028")),
    "no time": ({"created": None}, 400, missing("1023036", "1023029")),
    "no digest": ({"has_digest": False}, 400, BOTH(GENERATIONS, "1023037")),
    "no UsernameToken": ({"word": ""}, 400, BOTH(GENERATIONS, "1023038")),
    "another word": ({"word": "UsernameTokens "}, 400, BOTH(GENERATIONS, "1023038")),
    "a nonce too long": ({"nonce": "n" * 129}, 403, BOTH(GENERATIONS, "1010002")),
    "a nonce not printable": ({"nonce": "n\x00"}, 403, BOTH(GENERATIONS, "1010002")),
    "a nonce that is a URL": ({"nonce": "HtTpS://sp.example.com/n"}, 403, BOTH(GENERATIONS, "1010002")),
    "no time at all": ({"created": "yesterday"}, 400, BOTH(GENERATIONS, "1010013")),
    "a clock too fast": (
        {"created": written(NOW + timedelta(minutes=5, seconds=1))},
        400,
        BOTH(GENERATIONS, "1010013"),
    ),
    "a clock too slow": (
        {"created": written(NOW - timedelta(minutes=5, seconds=1))},
        400,
        BOTH(GENERATIONS, "1010013"),
    ),
    "a time in UTC-8": ({"created": written(NOW - timedelta(hours=8))}, 400, BOTH(GENERATIONS, "1010013")),
    "UTC+8 by an offset of 0": (
        {"created": written(NOW + timedelta(hours=8))[:-1] + "+00:00"},
        400,
        BOTH(GENERATIONS, "1010013"),
    ),
    "an unknown app": ({"username": "nobody"}, 403, BOTH(GENERATIONS, "1010003")),
    "what can be no app": ({"username": "é" * 600}, 403, BOTH(GENERATIONS, "1010003")),
    "another secret": ({"secret": "no secret"}, 403, BOTH(GENERATIONS, "1023001")),
    "another digest": ({"given_digest": "AAAA"}, 403, BOTH(GENERATIONS, "1023001")),
}


@pytest.mark.parametrize(
    ("route", "generation", "wrong"), everywhere(product(GENERATIONS, WRONG), ("aksk", "another secret"))
)
def test_each_fault_of_a_digest_has_its_code_and_does_nothing(door, route, generation, wrong):
    other, status, codes = WRONG[wrong]
    before = door.state
    said = answer(proven(event_of(route), door.signed(generation, **other).headers), door.dependencies)
    assert (said["statusCode"], json.loads(said["body"])["resultcode"]) == (status, codes[generation])
    assert door.state == before


def test_of_several_faults_the_first_of_authorization_is_told(door):
    nothing = {"Authorization": "AKSK", "X-AKSK": "UsernameToken"}
    assert door.knock(proven(event_of("stop"), nothing)) == (400, "1023007")
    assert door.knock(proven(event_of("stop"), {})) == (400, "1023006")
    assert door.knock(proven(event_of("stop"), {"X-AKSK": "", "Authorization": "AKSK"})) == (400, "1023007")


@pytest.mark.parametrize("digest", ["wsse-hex", "wsse-raw"])
def test_a_digest_of_one_generation_is_none_of_the_other(door, digest):
    older = door.signed(digest)
    as_newer = older.but(header="X-AKSK", scheme="AKSK")
    assert door.knock(proven(event_of("stop"), as_newer.headers)) == (403, "1023001")
    as_older = door.signed("aksk", header="X-WSSE", scheme="WSSE")
    assert door.knock(proven(event_of("stop"), as_older.headers)) == (403, "1023001")


WRONG_TOKENS: dict[str, tuple[dict[str, str | None], str]] = {
    "an unknown token": ({"access_token": "a token of nobody"}, "1010004"),
    "an unknown app": ({"app_key": "nobody"}, "1010003"),
    "another app's": ({"app_key": "another"}, "1010004"),
    "no token": ({"access_token": None}, "1010004"),
    "an empty token": ({"access_token": ""}, "1010004"),
    "a token too long": ({"access_token": "t" * 513}, "1010004"),
    "no app": ({"app_key": None}, "1010003"),
    "what can be no app": ({"app_key": "é" * 600}, "1010003"),
}


@pytest.mark.parametrize(("route", "wrong"), everywhere(product(WRONG_TOKENS), ("an unknown token",)))
def test_each_fault_of_a_token_has_its_code_and_does_nothing(door, route, wrong):
    other, code = WRONG_TOKENS[wrong]
    door.accounts.apps["another"] = replace(door.accounts.apps[door.key], key="another")
    event = event_of(route)
    query = {name: value for name, value in (event["queryStringParameters"] | other).items() if value is not None}
    before = door.state
    assert door.knock(event | {"queryStringParameters": query}) == (403, code)
    assert door.state == before


@pytest.mark.parametrize("route", ROUTES)
def test_an_expired_token(door, route):
    door.clock.advance(48 * 3600)
    assert door.knock(event_of(route)) == (403, "1010004")


@pytest.mark.parametrize("route", ROUTES)
def test_a_token_of_an_app_without_any_header_is_its_own_kind_of_fault(door, route):
    """A client of tokens that lost its own is told to log in again, not how to write another generation's headers."""
    event = event_of(route) | {"queryStringParameters": {"app_key": door.key}}
    assert door.knock(event | {"headers": {"Authorization": "the password"}}) == (403, "1010004")


@pytest.mark.parametrize(
    ("route", "way", "who"),
    everywhere(product(["token", *GENERATIONS], ["the app", "the SP"]), ("token", "the app")),
)
def test_whoever_is_suspended_is_told_so_but_may_stop_calls(door, route, way, who):
    if who == "the app":
        door.change(active=False)
    else:
        door.accounts.set_sp_active("sp-1", active=False)
    event = event_of(route) if way == "token" else proven(event_of(route), door.signed(way).headers)
    assert door.knock(event) == ((200, "0") if route == "stop" else (403, "1010007"))


_SERVED = [
    (event["Properties"]["Method"].upper(), event["Properties"]["Path"])
    for function in functions(read_template())
    if function.folder == "callback_api"
    for event in function.properties["Events"].values()
]


@pytest.mark.parametrize(("method", "path"), _SERVED)
def test_no_route_of_the_template_is_open_to_who_proves_nothing_or_is_suspended(door, method, path):
    event = event_of("look-up") | {"httpMethod": method, "resource": path}

    def refused(**changes: Any) -> Said:
        before = door.state
        said = answer(event | changes, door.dependencies)
        assert door.state == before
        return said["statusCode"], json.loads(said["body"])["resultcode"] if method != "HEAD" else ""

    code = "" if method == "HEAD" else "1023006"
    assert refused(queryStringParameters={}, headers={}) == (400, code)
    door.change(active=False)
    assert refused()[0] >= 400 if path == routes.STOP else refused() == (403, code and "1010007")


_SCHEMES = {"token": Scheme.TOKEN, "aksk": Scheme.HMAC, "wsse-hex": Scheme.HASH, "wsse-raw": Scheme.HASH}


@pytest.mark.parametrize("allowed", Scheme)
@pytest.mark.parametrize(("route", "way"), everywhere(product(_SCHEMES), ("wsse-raw",)))
def test_an_app_authenticates_only_in_the_ways_that_the_operator_allows(door, route, way, allowed):
    """Another one is refused before the secret is looked at: a wrong digest is not counted."""
    door.change(schemes=(allowed,))
    before = door.state
    signed = {} if way == "token" else door.signed(way).headers
    said = door.knock(event_of(route) if way == "token" else proven(event_of(route), signed))
    if _SCHEMES[way] is allowed:
        assert said == right(route)
        return
    assert (said, door.state) == ((403, "1010002"), before)
    if way != "token":
        wrong = door.signed(way, secret="no secret").headers
        assert door.knock(proven(event_of(route), wrong)) == (403, "1010002")
    assert (door.auth_attempts.writes, door.auth_attempts.nonces) == (0, {})


# Where a request comes from, which proxies are trusted, X-Forwarded-For, and whether 198.51.100.0/24 is its address.
_FROM: dict[str, tuple[str, dict[str, str] | None, str, bool]] = {
    "an address on the list": ("198.51.100.20", None, "", True),
    "another one": ("203.0.113.9", None, "", False),
    "another one that claims one on the list": ("203.0.113.9", None, "198.51.100.20, 203.0.113.9", False),
    "a trusted proxy for one on the list": ("10.0.0.1", {"TrustedProxies": "10.0.0.0/8"}, "198.51.100.20", True),
    "a trusted proxy for another one": ("10.0.0.1", {"TrustedProxies": "1"}, "198.51.100.20, 203.0.113.9", False),
    "proxies that nobody can read": ("10.0.0.1", {"TrustedProxies": "10.0.0.0/99"}, "198.51.100.20", False),
}


@pytest.mark.parametrize("where", _FROM)
@pytest.mark.parametrize(("route", "way"), everywhere(product(_SCHEMES), ("token",)))
def test_an_app_may_be_used_from_the_addresses_on_its_list(door, route, way, where):
    """Refused before its secret is looked at: a wrong digest is not counted, and its nonce not used up."""
    peer, stage, forwarded, allowed = _FROM[where]
    door.change(allowed_addresses=("198.51.100.0/24", "2001:db8::/32"))
    headers = {} if way == "token" else door.signed(way).headers
    event = event_of(route) if way == "token" else proven(event_of(route), headers)
    event |= {"stageVariables": stage, "headers": {**event["headers"], "X-Forwarded-For": forwarded}}
    event |= {"requestContext": event["requestContext"] | {"identity": {"sourceIp": peer}}}
    before = door.state
    said = door.knock(event)
    assert said == (right(route) if allowed else (403, "1020166"))
    if not allowed:
        assert door.state == before
        wrong = event | {"headers": {**event["headers"], "X-WSSE": "", "X-AKSK": ""}}
        assert door.knock(wrong)[0] == (403 if way == "token" else 400)
        assert (door.auth_attempts.writes, door.auth_attempts.nonces) == (0, {})


_COUNTED = [route for route in ROUTES if not route.startswith(("place", "stop"))]


@pytest.mark.parametrize("last", [*_COUNTED, *(route for route in ROUTES if route not in _COUNTED)])
def test_an_app_sends_so_many_requests_a_second_besides_callbacks_and_stops(door, last):
    """Only its own count: what a stranger sends in its name is not counted."""
    door.change(requests_per_second=2)
    for _ in range(3):
        assert door.knock(with_token(event_of("look-up"), door.key, "a token of nobody")) == (403, "1010004")
    for route in ("look-up", "show-urls"):
        assert door.knock(event_of(route)) == right(route)
    before = door.state
    said = answer(event_of(last), door.dependencies)
    if last in _COUNTED:
        assert json.loads(said["body"])["resultcode"] == "1010010"
        assert (said["headers"]["Retry-After"], door.state) == ("1", before)
        door.clock.advance(0.5)
        assert door.knock(event_of(last)) == right(last)
    else:
        assert said["statusCode"] == 200


# ---- a nonce is good once


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_replay_is_refused(door, route, generation):
    headers = door.signed(generation).headers
    assert door.knock(proven(event_of("show-urls"), headers)) == (200, "0")
    before = door.state
    assert door.knock(proven(event_of(route), headers)) == (403, "1020003")
    assert door.state == before


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_nonce_is_good_once_whatever_is_signed_with_it(door, generation):
    first = door.signed(generation, nonce="once").headers
    later = door.signed(generation, nonce="once", created=written(NOW + timedelta(seconds=30))).headers
    assert door.knock(proven(event_of("look-up"), first)) == (200, "0")
    assert door.knock(proven(event_of("look-up"), later)) == (403, "1020003")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_an_app_that_may_reuse_nonces_sends_one_header_while_its_time_is_valid(door, generation):
    headers = door.signed(generation).headers
    door.change(reuse_nonces=True)
    for _ in range(2):
        for route in ("look-up", "show-urls"):
            assert door.knock(proven(event_of(route), headers)) == (200, "0")
        door.clock.advance(5 * 60)
    door.clock.advance(1)
    assert door.knock(proven(event_of("look-up"), headers)) == (400, "1010013")


def test_a_request_that_was_refused_before_leaves_its_nonce(door):
    for other in ({"secret": "no secret"}, {"created": "never"}, {"realm": "other"}):
        door.knock(proven(event_of("look-up"), door.signed("aksk", nonce="mine", **other).headers))
    assert door.knock(proven(event_of("look-up"), door.signed("aksk", nonce="mine").headers)) == (200, "0")


def test_what_was_heard_of_a_time_in_utc_8_cannot_be_played_when_its_z_comes_true(door):
    headers = door.signed("aksk", created=written(NOW + timedelta(hours=8))).headers
    assert door.knock(proven(event_of("look-up"), headers)) == (200, "0")
    door.clock.advance(8 * 3600)
    assert door.knock(proven(event_of("look-up"), headers)) == (403, "1020003")


# ---- too many wrong ones


def wrong_digests(door: Door, times: int, **other: Any) -> list[Said]:
    return [
        door.knock(proven(event_of("look-up"), door.signed("aksk", secret="no secret", **other).headers))
        for _ in range(times)
    ]


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("route", ROUTES)
def test_ten_wrong_digests_lock_every_route_for_digests_and_leave_tokens_alone(door, route, generation):
    assert wrong_digests(door, 10) == [(403, "1023001")] * 10
    said = answer(proven(event_of(route), door.signed(generation).headers), door.dependencies)
    assert (said["statusCode"], json.loads(said["body"])["resultcode"]) == (403, "1020176")
    assert said["headers"]["Retry-After"] == "1800"
    assert door.knock(event_of(route)) == right(route)


def test_a_lock_is_of_one_address_and_one_app(door):
    wrong_digests(door, 10)
    event = proven(event_of("look-up"), door.signed("aksk").headers)
    elsewhere = event | {"requestContext": event["requestContext"] | {"identity": {"sourceIp": "198.51.100.99"}}}
    assert door.knock(elsewhere) == (200, "0")
    stranger(door)
    other = aksk("app-2", "secret-2", written(NOW)).headers
    assert door.knock(proven(event_of("show-urls"), other)) == (200, "0")


def test_other_faults_than_a_wrong_digest_lock_nothing(door):
    for other in ({"created": "never"}, {"realm": "other"}, {"nonce": None}, {"username": "nobody"}):
        for _ in range(11):
            door.knock(proven(event_of("look-up"), door.signed("aksk", **other).headers))
    assert door.knock(proven(event_of("look-up"), door.signed("aksk").headers)) == (200, "0")
    assert door.auth_attempts.writes == 0


# ---- another SP


def stranger(door: Door) -> None:
    """A second SP with an app, a secret, a token and a number of its own."""
    door.accounts.add_sp(Sp("sp-2", "another company", "no log-in here"))
    door.accounts.add_app(App("app-2", "sp-2", "secret-2", display_numbers=("+12025550102",)))
    door.accounts.save("app-2", Register().grant(TokenPair("token-2", "refresh-2"), NOW))


def as_stranger(way: str, event: dict[str, Any]) -> dict[str, Any]:
    if way == "token":
        return with_token(event, "app-2", "token-2")
    return proven(event, GENERATIONS[way]("app-2", "secret-2", written(NOW)).headers)


WAYS = ["token", *GENERATIONS]
FOREIGN = f"{CALL_ID}@{HOST}"
UNKNOWN = f"1_2_3_20261123085959@{HOST}"


def of_call(route: str, session: str) -> dict[str, Any]:
    event = event_of(route)
    if route == "stop":
        return event | {"body": json.dumps({"sessionid": session, "signal": "call_stop"})}
    if route == "look-up":
        return event | {"pathParameters": {"sessionId": session}}
    name = event["queryStringParameters"]["fileName"].replace(CALL_ID, session.partition("@")[0])
    return event | {"queryStringParameters": event["queryStringParameters"] | {"fileName": name}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("route", ["stop", "look-up", "record", "delete-record"])
def test_anothers_call_is_as_unknown_as_one_that_never_was(door, route, way):
    stranger(door)
    before = door.state
    foreign = answer(as_stranger(way, of_call(route, FOREIGN)), door.dependencies)
    unknown = answer(as_stranger(way, of_call(route, UNKNOWN)), door.dependencies)
    assert foreign["statusCode"] == 403
    assert foreign == unknown
    assert door.state == before
    assert door.knock(event_of(route)) == right(route)  # to its owner it is there


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("route", ["place", "place-in-sandbox", "place-v1", "place-v1-in-sandbox"])
def test_anothers_number_is_as_unknown_as_one_of_nobody(door, route, way):
    stranger(door)
    said = []
    for number in ("+12025550100", "+12025550199"):  # the first SP's, and nobody's
        event = event_of(route)
        numbers = {"displayNbr": number, "displayCalleeNbr": number}
        event["body"] = json.dumps(json.loads(event["body"]) | numbers)
        said.append(answer(as_stranger(way, event), door.dependencies))
    assert said[0] == said[1]
    assert json.loads(said[0]["body"])["resultcode"] == "1010023"


@pytest.mark.parametrize("way", WAYS)
def test_notification_urls_are_each_apps_own(door, way):
    stranger(door)
    door.change(status_url="https://first.example.com/status")
    owner = door.accounts.apps[door.key]
    shown = json.loads(answer(as_stranger(way, event_of("show-urls")), door.dependencies)["body"])
    assert (shown["statusUrl"], shown["feeUrl"]) == (None, None)
    assert door.knock(as_stranger(way, event_of("set-urls"))) == (200, "0")
    assert door.accounts.apps[door.key] == owner
    assert door.accounts.apps["app-2"].status_url == "http://127.0.0.1:9999/status"


@pytest.mark.parametrize("route", ROUTES)
def test_anothers_proof_under_the_first_ones_key_is_as_wrong_as_any(door, route):
    stranger(door)
    assert door.knock(with_token(event_of(route), door.key, "token-2")) == (403, "1010004")
    for make in GENERATIONS.values():
        headers = make(door.key, "secret-2", written(NOW)).headers
        assert door.knock(proven(event_of(route), headers)) == (403, "1023001")


@pytest.mark.parametrize("way", WAYS)
def test_an_idempotency_key_of_another_app_means_nothing(door, way):
    stranger(door)
    key = {"Idempotency-Key": "order-17"}
    event = event_of("place")
    body = json.loads(event["body"])
    first = json.loads(answer(event | {"headers": {**event["headers"], **key}}, door.dependencies)["body"])
    del body["displayNbr"], body["displayCalleeNbr"]
    own = event | {"body": json.dumps(body), "headers": {**event["headers"], **key}}
    said = answer(as_stranger(way, own), door.dependencies)
    second = json.loads(said["body"])
    assert (said["statusCode"], second["resultcode"]) == (200, "0")
    assert first["sessionId"] != second["sessionId"]


# ---- secrets rotate


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_retired_secret_opens_nothing(door, generation):
    door.change(secret="secret-0", older_secret=None)
    assert door.knock(proven(event_of("look-up"), door.signed(generation).headers)) == (403, "1023001")
    assert door.knock(proven(event_of("look-up"), door.signed(generation, secret="secret-0").headers)) == (200, "0")


def test_nothing_of_a_digest_is_logged(door, caplog):
    caplog.set_level("DEBUG")
    signed = door.signed("aksk", nonce="secretNonce123").headers
    door.knock(proven(event_of("look-up"), signed))
    door.knock(proven(event_of("look-up"), door.signed("aksk", secret="no secret").headers))
    logged = "\n".join(str(vars(record)) for record in caplog.records)
    assert "answered" in logged
    assert [hidden for hidden in ("secretNonce123", signed["X-AKSK"], SECRET) if hidden in logged] == []
