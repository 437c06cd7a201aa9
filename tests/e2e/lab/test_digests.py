"""Digests, their locks, settings and the operator's commands: over HTTP, in the cloud, with permissions checked."""

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from lab.sp.client import CALL_STOP, CLICK2CALL, Reply
from tests.functions.proofs import GENERATIONS, written

URLS = "/duologue/v1/notification-urls"
JSON = {"Content-Type": "application/json;charset=UTF-8"}


def ask(sp, signed, path: str = URLS, body: object = None, method: str = "GET") -> Reply:
    content = b"" if body is None else json.dumps(body).encode()
    return sp.client.send(path, {}, content, {**JSON, **signed.headers}, method)


def by(sp, generation: str, **other):
    made = GENERATIONS[generation](sp.account.app_key, sp.account.app_secret, written(datetime.now(UTC)))
    return made.but(**other)


@pytest.fixture(scope="module")
def sp(new_sp):
    return new_sp("signs")


@pytest.fixture
def operate(lab):
    def run(*words: str) -> dict:
        command = [sys.executable, "-m", "duologue.operator", *words]
        done = subprocess.run(
            command, env={**os.environ, **lab.environment}, stdout=subprocess.PIPE, text=True, check=True
        )
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_callback_is_placed_and_stopped_by_digest(sp, generation):
    placed = ask(
        sp,
        by(sp, generation),
        CLICK2CALL,
        {"callerNbr": "+12025550104", "calleeNbr": "+12025550105", "userData": generation},
        "POST",
    )
    assert (placed.status, placed.code) == (200, "0")
    stop = {"sessionid": placed.body["sessionId"], "signal": "call_stop"}
    stopped = ask(sp, by(sp, generation, separator=", "), CALL_STOP, stop, "POST")
    assert (stopped.status, stopped.code) == (200, "0")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_notification_urls_are_set_by_digest(sp, generation):
    urls = {"statusUrl": f"http://127.0.0.1:9999/{generation}", "feeUrl": None}
    assert ask(sp, by(sp, generation), body=urls, method="PUT").body == {
        "resultcode": "0",
        "resultdesc": "Success",
        **urls,
    }
    assert ask(sp, by(sp, generation)).body["statusUrl"] == urls["statusUrl"]
    refused = ask(sp, by(sp, generation), body={"feeUrl": "http://10.0.0.1/fee"}, method="PUT")
    assert (refused.status, refused.code) == (403, "1010002")
    assert "feeUrl resolves to an address" in refused.body["resultdesc"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_is_wrong_has_its_code(sp, generation):
    signed = by(sp, generation, nonce=f"once-{generation}")
    assert ask(sp, signed).code == "0"
    faults = {
        "1020003": signed,
        "1023001": by(sp, generation, secret="no secret"),
        "1023009": by(sp, generation, realm="SDK"),
        "1010013": by(sp, generation, created="2020-01-01T00:00:00Z"),
        "1010003": by(sp, generation, username="nobody"),
        "1023006": by(sp, generation, has_authorization=False),
    }
    assert [ask(sp, fault).code for fault in faults.values()] == list(faults)
    assert ask(sp, signed).status == 403
    assert ask(sp, faults["1023006"]).status == 400


def test_many_requests_with_one_nonce_are_one(sp):
    signed = by(sp, "aksk", nonce="two-hundred")
    with ThreadPoolExecutor(20) as pool:
        codes = Counter(reply.code for reply in pool.map(lambda _: ask(sp, signed), range(60)))
    assert codes == {"0": 1, "1020003": 59}


def test_ten_wrong_digests_lock_digests_only(new_sp):
    sp = new_sp("locked")
    wrong = [ask(sp, by(sp, "wsse-hex", secret="no secret")).code for _ in range(11)]
    assert wrong == ["1023001"] * 10 + ["1020176"]
    locked = ask(sp, by(sp, "aksk"))
    assert (locked.status, locked.code, locked.headers["Retry-After"]) == (403, "1020176", "1800")
    proof = {"app_key": sp.account.app_key, "access_token": sp.client.access_token}
    assert sp.client.send(URLS, proof, method="GET").code == "0"
    assert sp.client.refresh().code == "0"


def test_a_secret_is_rotated_while_two_are_good(new_sp, operate):
    sp = new_sp("rotates")
    new = operate("app", "rotate-secret", sp.account.app_key)["app_secret"]
    assert [ask(sp, by(sp, "aksk")).code, ask(sp, by(sp, "aksk", secret=new)).code] == ["0", "0"]
    operate("app", "rotate-secret", sp.account.app_key, "--retire-old")
    assert [ask(sp, by(sp, "aksk")).code, ask(sp, by(sp, "aksk", secret=new)).code] == ["1023001", "0"]


def test_suspended_and_let_in_again(new_sp, operate):
    sp = new_sp("suspended")
    for kind, name in (("app", sp.account.app_key), ("sp", "suspended")):
        operate(kind, "suspend", name)
        assert ask(sp, by(sp, "aksk")).code == "1010007"
        operate(kind, "resume", name)
        assert ask(sp, by(sp, "aksk")).code == "0"


def test_settings_and_prompts_by_the_operators_hand(new_sp, operate):
    sp = new_sp("prompted")
    key = sp.account.app_key
    shown = operate("app", "set", key, "--calls-per-callee-per-day", "3", "--country", "US", "--country", "CA")
    assert (shown["calls_per_callee_per_day"], shown["countries"]) == (3, ["US", "CA"])
    assert set(operate("prompt", "put-own", "audio")["prompts"]) >= {"waiting", "before-callee"}
    seconds = operate("prompt", "put", key, "audio/last-minute.wav", "--name", "hello.wav")["seconds"]
    assert operate("prompt", "list", key)["prompts"] == {"hello.wav": seconds}
    body = {"callerNbr": "+12025550104", "calleeNbr": "+12025550106", "playPreVoice": "true", "preVoice": "hello.wav"}
    placed = ask(sp, by(sp, "aksk"), CLICK2CALL, body, "POST")
    assert placed.code == "0"
    ask(sp, by(sp, "aksk"), CALL_STOP, {"sessionid": placed.body["sessionId"], "signal": "call_stop"}, "POST")
    operate("prompt", "remove", key, "hello.wav")
    refused = ask(sp, by(sp, "aksk"), CLICK2CALL, body, "POST")
    assert refused.code == "1010002"
    assert "preVoice" in refused.body["resultdesc"]
