"""Place a callback, stop one: API event in, envelope out; what was refused is nowhere."""

import base64
import json
import logging
from datetime import timedelta

import pytest

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.flows import FlowOrder
from functions.callback_api.handler import answer, handler
from tests.functions.worlds import ABSENT, CALL_ID, HOST, OWN, Api, keyed, placing, sample
from tests.samples import NETWORK_CALL

PLACED, EVERYTHING = (
    sample("callback_api", "callback_placed"),
    sample("callback_api", "callback_placed_with_everything"),
)
STOPPED = sample("callback_api", "callback_stopped")


@pytest.fixture
def api():
    return Api()


def encoded(url: str) -> str:
    return base64.b64encode(url.encode()).decode()


# ---- placing


def test_a_callback_is_recorded_and_its_flow_started(api):
    status, body = api.say(PLACED)
    assert (status, body) == (
        200,
        {"resultcode": "0", "resultdesc": "Success", "sessionId": f"{CALL_ID}@{HOST}"},
    )
    call = api.calls.load(CALL_ID).call
    assert (call.caller.number.e164, call.caller.display_number.e164) == ("+12025550111", OWN[0])
    assert (call.callee.number.e164, call.callee.display_number.e164) == ("+12025550122", OWN[1])
    assert call.longest_talk == timedelta(minutes=30)
    assert call.user_data == "order-17"
    assert (call.notify.status_url, call.notify.fee_url) == (
        "http://127.0.0.1:9999/status",
        "http://127.0.0.1:9999/fee",
    )
    waits = (timedelta(seconds=seconds) for seconds in (140, 80, 1740, 60))
    assert api.flows.started == {CALL_ID: FlowOrder(CALL_ID, *waits)}
    assert (api.network.dialled, api.network.asked) == ([], [])


@pytest.mark.parametrize("event", [PLACED, sample("callback_api", "callback_placed_in_the_sandbox")])
def test_the_callee_can_return_the_call_in_the_sandbox_too(api, event):
    assert api.say(event)[0] == 200
    draft = api.calls.load(CALL_ID).call.memory
    assert draft.period == timedelta(hours=720)
    assert not any("+1202555" in each for each in (draft.key.display, draft.key.pair, draft.target))


def test_a_callback_is_counted_once_however_often_it_is_asked_for(api, capsys):
    for _ in range(2):
        assert api.say(PLACED | {"headers": PLACED["headers"] | {"Idempotency-Key": "order-17"}})[0] == 200
    assert capsys.readouterr().out.count('"CallsPlaced"') == 2, "one line, which names it twice"


def test_a_callback_is_placed_without_the_key_service_and_the_operator_learns_of_it(api, capsys):
    api.seal.out_of_reach = True
    assert api.say(PLACED)[0] == 200
    assert api.calls.load(CALL_ID).call.memory is None
    assert "MemoryNotKept" in capsys.readouterr().out


def test_the_same_request_twice_is_two_callbacks(api):
    """Without an idempotency key a repeat cannot be told from a second order."""
    first, second = api.say(PLACED)[1], api.say(PLACED)[1]
    assert first["sessionId"] != second["sessionId"]
    assert len(api.flows.started) == 2


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "order-17"}])
def test_a_callback_that_was_accepted_is_told_so_even_if_its_idle_ports_cannot_be_counted(api, key):
    """An SP that hears of a failure places the callback again, and two people are rung twice."""

    def out_of_reach(app_key: str) -> int:
        raise OutsideUnavailable("accounts table")

    api.calls.in_use = out_of_reach
    event = EVERYTHING | {"headers": {**EVERYTHING["headers"], **key}}
    for _ in range(2):
        status, body = api.say(event)
        assert (status, body["resultcode"]) == (200, "0")
        assert "idlePort" not in body
    assert len(api.flows.started) == (1 if key else 2)


REFUSALS = [
    (PLACED | {"body": None}, "1010002", "body is not JSON"),
    (PLACED | {"body": "%", "isBase64Encoded": True}, "1010002", "body is not Base64"),
    (placing(calleeNbr="12025550122"), "1010002", "calleeNbr must be E.164"),
    (placing(displayNbr="+12025550109"), "1010023", "displayNbr is not a number of the app"),
    (placing(feeUrl=encoded("ftp://sp.example.com/fee")), "1010002", "feeUrl must be an http"),
    (placing(recordFlag="true"), "1010002", "recordFlag is true, but recording is not enabled"),
]


@pytest.mark.parametrize(("event", "code", "named"), REFUSALS, ids=lambda part: part if isinstance(part, str) else "")
def test_a_refusal_names_its_fault_and_leaves_nothing(api, event, code, named):
    status, body = api.say(event)
    assert (status, body["resultcode"]) == (403, code)
    assert named in body["resultdesc"]
    assert api.is_untouched


def test_an_address_that_the_platform_does_not_post_to(api):
    api.endpoints.forbidden.add("http://127.0.0.1:9999/fee")
    status, body = api.say(PLACED)
    assert (status, body["resultcode"]) == (403, "1010002")
    assert "feeUrl is forbidden" in body["resultdesc"]
    assert api.is_untouched


def test_the_apps_own_url_refuses_no_callback_whatever_became_of_its_host():
    """The SP named no URL in the request: it could change nothing in it. The URL is judged again before it is used."""
    url = "https://sp-was-here.example.com/status"
    api = Api(status_url=url, fee_url=url)
    api.endpoints.forbidden.add(url)
    assert api.say(placing(statusUrl=ABSENT, feeUrl=ABSENT))[0] == 200
    assert api.calls.load(CALL_ID).call.notify.status_url == url


def test_a_store_out_of_reach_is_said_as_busy(api):
    api.calls.out_of_reach = True
    assert api.say(PLACED)[0] == 500
    assert api.is_untouched


# ---- stopping


def test_a_stop_of_a_call_in_progress_asks_the_network(api):
    api.say(PLACED)
    api.calls.change(CALL_ID, network_call=NETWORK_CALL)
    assert api.say(STOPPED) == (200, {"resultcode": "0", "resultdesc": "Success"})
    assert api.network.asked == [NETWORK_CALL]


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"sessionid": "of another platform"}, "1020152", "sessionId"),
        ({"sessionid": f"{CALL_ID}@another.example.com"}, "1020152", "sessionId"),
        ({"sessionid": f"9_9_9_20261123090000@{HOST}"}, "1020152", "sessionId"),
        ({"signal": "call_hold"}, "1010002", "signal must be"),
    ],
)
def test_a_stop_that_is_refused(api, fields, code, named):
    api.say(PLACED)
    status, body = api.say(STOPPED | {"body": json.dumps(json.loads(STOPPED["body"]) | fields)})
    assert (status, body["resultcode"]) == (403, code)
    assert named in body["resultdesc"]
    assert api.calls.load(CALL_ID).call.ending is None


# ---- where the SP is told


SHOWN, SET = sample("callback_api", "notification_urls_shown"), sample("callback_api", "notification_urls_set")


def test_notification_urls_are_read_as_they_were_set_twice(api):
    assert api.say(SHOWN)[1] == {"resultcode": "0", "resultdesc": "Success", "statusUrl": None, "feeUrl": None}
    set_ = {
        "resultcode": "0",
        "resultdesc": "Success",
        "statusUrl": "http://127.0.0.1:9999/status",
        "feeUrl": "http://127.0.0.1:9999/fee",
    }
    assert [api.say(SET), api.say(SET), api.say(SHOWN)] == [(200, set_)] * 3
    assert api.say(SET | {"body": '{"feeUrl": "https://sp.example.com/fee"}'})[1]["statusUrl"] is None
    api.say(SET)
    assert api.say(SET | {"body": '{"statusUrl": "", "feeUrl": null}'})[1] == api.say(SHOWN)[1]
    assert api.say(SET | {"body": "{}"})[1] == api.say(SHOWN)[1]
    assert (api.accounts.app(api.key).status_url, api.accounts.app(api.key).fee_url) == (None, None)
    assert api.accounts.endpoints_reset == [api.key] * 6, "a URL that answered 410 is posted to again"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "body is not JSON"),
        ("[]", "body is not a JSON object"),
        ('{"statusUrl": 1}', "statusUrl must be a string"),
        (json.dumps({"feeUrl": "https://sp.example.com/" + "x" * 500}), "feeUrl must have 1 to 512 characters"),
        (json.dumps({"feeUrl": encoded("https://sp.example.com/fee")}), "feeUrl must be an http or https URL"),
        ('{"statusUrl": "ftp://sp.example.com/"}', "statusUrl must be an http or https URL"),
        ('{"statusUrl": "https://jack:secret@sp.example.com/"}', "statusUrl must not carry a user name"),
        ('{"feeUrl": "http://127.0.0.1:9999/fee"}', "feeUrl is forbidden"),
    ],
)
def test_urls_that_are_refused_leave_what_was_set(api, body, named):
    api.say(SET)
    api.endpoints.forbidden.add("http://127.0.0.1:9999/fee")
    before = api.accounts.app(api.key)
    status, said = api.say(SET | {"body": body})
    assert (status, said["resultcode"]) == (403, "1010002")
    assert named in said["resultdesc"]
    assert api.accounts.app(api.key) == before


def test_a_body_is_parsed_once(api, monkeypatch):
    """Its key's fingerprint, the request and what it wants to be told are read from the same."""
    event, loads = keyed("once", placing(returnIdlePort=True)), json.loads
    parsed: list[bytes] = []

    def counted(body: bytes) -> object:
        parsed.append(body)
        return loads(body)

    monkeypatch.setattr("duologue.wire.huawei.json_body.json.loads", counted)
    answer(event, api.dependencies)
    assert len(parsed) == 1


# ---- whatever happens


def test_what_nobody_foresaw_gets_the_static_answer(monkeypatch):
    monkeypatch.delenv("ACCOUNTS_TABLE", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    said = handler(PLACED, None)
    assert (said["statusCode"], said["headers"]["Cache-Control"]) == (500, "no-store")
    assert json.loads(said["body"]) == {"resultcode": "1010001", "resultdesc": "Internal error."}


def test_neither_tokens_nor_numbers_are_logged(api, caplog):
    caplog.set_level(logging.DEBUG)
    api.say(PLACED)
    api.say(placing(callerNbr="2025550111"))
    logged = "\n".join(str(vars(record)) for record in caplog.records)
    assert PLACED["resource"] in logged
    hidden = (PLACED["queryStringParameters"]["access_token"], "2025550111", "2025550122", "order-17")
    assert [secret for secret in hidden if secret in logged] == []


@pytest.mark.parametrize(
    ("name", "noted"),
    [
        ("callback_stopped", ("call.stop", CALL_ID)),
        ("recording_asked_for", ("recording.link", CALL_ID)),
        ("notification_urls_set", ("notification-urls.set", "")),
        ("call_memory_changed", ("call-memory.set", "")),
        ("call_memory_deleted", ("call-memory.delete", "")),
        ("callback_looked_up", None),
        ("notification_urls_shown", None),
        ("call_memory_looked_up", None),
    ],
)
def test_what_an_sp_changes_or_fetches_is_audited_before_it_is_done(api, name, noted):
    event = sample("callback_api", name)
    answer(event, api.dependencies)
    assert api.audit.noted == ([] if noted is None else [(noted[0], api.key, noted[1])])
    if noted is not None:
        [entry] = api.audit.entries
        context = event["requestContext"]
        assert (entry.who, entry.source) == (api.key, context["identity"]["sourceIp"])
        assert entry.detail == f"request {context['requestId']}"


def test_a_change_that_cannot_be_audited_is_not_made(api):
    before = api.accounts.app(api.key)
    api.audit.out_of_reach = True
    assert answer(sample("callback_api", "notification_urls_set"), api.dependencies)["statusCode"] >= 500
    assert api.accounts.app(api.key) == before
