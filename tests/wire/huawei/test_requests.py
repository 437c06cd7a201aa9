"""Requests for a callback, and to stop one, as SPs write them."""

import base64
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.access.accounts import App
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.callback_request import CallbackRequest
from duologue.domain.errors import (
    DisplayNumberNotOwned,
    ForbiddenAddress,
    InvalidField,
    InvalidNumber,
    RecordingNotEnabled,
    UnknownCall,
)
from duologue.domain.media.audio import Audio, AudioListeners
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.huawei.requests import Click2Call, read_callback, read_stop

HOST = "ce1.example.com"
APP = App(
    key="app-1",
    sp="sp-1",
    secret="s",
    display_numbers=("+12025550100", "+12025550101"),
    status_url="https://sp.example.com/default-status",
    prompts={"last-minute.wav": 3.0, "hello_1.wav": 4.5, "music@night.wav": 30.0, "recorded.wav": 2.0},
    recording_notices=("recorded.wav",),
)
LEAST = {"callerNbr": "+12025550111", "calleeNbr": "+12025550122"}


def encoded(url: str) -> str:
    return base64.b64encode(url.encode()).decode()


def number(last: str) -> PhoneNumber:
    return PhoneNumber(f"+12025550{last}")


def read(app: App = APP, **fields) -> CallbackRequest:
    return read_callback(json.dumps(LEAST | fields)).request(app)


def test_a_whole_request():
    request = read_callback(
        json.dumps(
            {
                "displayNbr": "+12025550100",
                "callerNbr": "+12025550111",
                "displayCalleeNbr": "+12025550101",
                "calleeNbr": "+12025550122",
                "bindNbr": "+12025550101",
                "maxDuration": 30,
                "lastMinVoice": "last-minute.wav",
                "lastMinToUE": "tob",
                "playPreVoice": "true",
                "preVoice": "hello_1.wav",
                "waitVoice": "music@night.wav",
                "calleeMedia": "fail",
                "statusUrl": "aHR0cDovLzEyNy4wLjAuMTo5OTk5L3N0YXR1cw==",
                "feeUrl": encoded("https://sp.example.com/fee?app=1"),
                "recordFlag": "true",
                "recordHintTone": "recorded.wav",
                "partyTypeRequiredInDisconnect": "true",
                "returnIdlePort": "true",
                "userData": "order-17 %E4%B8%AD",
                "callMemory": "true",
                "callBackTone": "hello_1.wav",
                "callbackExpiredTime": 24,
            }
        )
    ).request(replace(APP, recording=True))
    assert request == CallbackRequest(
        caller=number("111"),
        callee=number("122"),
        caller_sees=number("100"),
        callee_sees=number("101"),
        bind_number=number("101"),
        longest_talk=timedelta(minutes=30),
        notify=NotifyTo("http://127.0.0.1:9999/status", "https://sp.example.com/fee?app=1"),
        user_data="order-17 %E4%B8%AD",
        wants_record=True,
        wants_party_type=True,
        wants_prompt_before_callee=True,
        audio=Audio(
            before_callee="hello_1.wav",
            while_callee_rings="music@night.wav",
            last_minute="last-minute.wav",
            last_minute_to=AudioListeners.CALLEE,
            recording_notice="recorded.wav",
        ),
        wants_memory=True,
        memory_period=timedelta(hours=24),
        call_back_tone="hello_1.wav",
    )


def test_two_numbers_are_enough():
    request = read()
    assert (request.caller, request.callee) == (number("111"), number("122"))
    assert request.caller_sees == request.callee_sees == request.bind_number == number("100")
    assert request.longest_talk is None
    assert request.notify == NotifyTo(), "the app's own, which may have changed when the call is returned"


@pytest.mark.parametrize(
    ("bind_numbers", "fields", "caller_sees", "callee_sees", "bind"),
    [
        ((), {}, "100", "100", "100"),
        ((), {"bindNbr": "101"}, "101", "101", "101"),
        ((), {"displayNbr": "101"}, "101", "101", "100"),
        ((), {"displayNbr": "101", "bindNbr": "100"}, "101", "101", "100"),
        ((), {"displayCalleeNbr": "101"}, "100", "101", "100"),
        (("190", "191"), {}, "100", "100", "190"),
        (("190", "191"), {"bindNbr": "191"}, "100", "100", "191"),
        (("190", "191"), {"bindNbr": "101"}, "101", "101", "101"),
        (("190", "191"), {"bindNbr": "191", "displayNbr": "101"}, "101", "101", "191"),
    ],
)
def test_which_number_each_sees_and_which_is_accounted_to(bind_numbers, fields, caller_sees, callee_sees, bind):
    app = replace(APP, bind_numbers=tuple(f"+12025550{last}" for last in bind_numbers))
    request = read(app, **{name: f"+12025550{last}" for name, last in fields.items()})
    assert (request.caller_sees, request.callee_sees, request.bind_number) == tuple(
        map(number, (caller_sees, callee_sees, bind))
    )


def test_a_bind_number_is_never_shown():
    app = replace(APP, bind_numbers=("+8696500",))
    assert read(app, bindNbr="+8696500").bind_number == PhoneNumber("+8696500")
    for name in ("displayNbr", "displayCalleeNbr"):
        with pytest.raises(DisplayNumberNotOwned, match=f"^{name} is not a number of the app"):
            read(app, **{name: "+8696500"})


def test_null_counts_as_absent_and_unknown_fields_are_passed_over():
    assert read(userData=None, maxDuration=None, format="json", Authorization="x") == read()


@pytest.mark.parametrize("name", sorted(set(Click2Call.model_fields) - set(LEAST)))
def test_an_empty_text_counts_as_absent_where_a_field_may_be_absent(name):
    assert read(APP, **{name: ""}) == read()


@pytest.mark.parametrize(
    ("meant", "sent"),
    [*((True, sent) for sent in (True, 1, "TRUE", "True", "1")), *((False, sent) for sent in (False, 0, "FALSE", "0"))],
)
def test_a_flag_in_the_ways_that_clients_write_it(meant, sent):
    request = read_callback(json.dumps(LEAST | {"partyTypeRequiredInDisconnect": sent, "returnIdlePort": sent}))
    assert (request.request(APP).wants_party_type, request.wants_idle_ports) == (meant, meant)


@pytest.mark.parametrize(
    ("app", "fields", "remembered"),
    [
        ({}, {}, 720),
        ({"call_memory_hours": 48}, {}, 48),
        ({"call_memory_hours": 48}, {"callbackExpiredTime": 48}, 48),
        ({"call_memory_hours": 48}, {"callbackExpiredTime": "1"}, 1),
        ({"call_memory_hours": 48}, {"callMemory": "false"}, None),
        ({"call_memory": False}, {}, None),
        ({"call_memory": False}, {"callMemory": "false"}, None),
        ({"call_memory": False}, {"callbackExpiredTime": 2160, "callBackTone": "not-uploaded.wav"}, None),
    ],
)
def test_for_how_many_hours_a_callee_is_remembered(app, fields, remembered):
    request = read(replace(APP, **app), **fields)
    assert request.wants_memory is (remembered is not None)
    assert not request.wants_memory or request.memory_period == timedelta(hours=remembered)


def test_an_app_without_call_memory_cannot_ask_for_it():
    with pytest.raises(InvalidField, match=r"^callMemory is true, but call memory is switched off for the app"):
        read(replace(APP, call_memory=False), callMemory="true")


@pytest.mark.parametrize("sent", [30, "30", "030", 30.0])
def test_minutes_in_the_ways_that_clients_write_them(sent):
    assert read(maxDuration=sent).longest_talk == timedelta(minutes=30)


@pytest.mark.parametrize(
    "write",
    [
        lambda url: base64.b64encode(url).decode(),
        lambda url: base64.b64encode(url).decode().rstrip("="),
        lambda url: base64.urlsafe_b64encode(url).decode(),
        lambda url: base64.urlsafe_b64encode(url).decode().rstrip("="),
        lambda url: base64.encodebytes(url).decode(),
        lambda url: " " + base64.b64encode(url).decode() + "\r\n",
    ],
)
@pytest.mark.parametrize("url", ["https://sp.example.com/~~~?x=~~~", "https://sp.example.com/fee?id=" + "7" * 50])
def test_base64_in_the_ways_that_clients_write_it(write, url):
    assert read(feeUrl=write(url.encode())).notify.fee_url == url


def test_no_limit_is_another_thing_than_the_longest_one_and_never_zero():
    assert read(maxDuration=0).longest_talk is None
    assert read(maxDuration=1440).longest_talk == timedelta(minutes=1440)
    assert read(maxDuration=1).longest_talk == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("fields", "kind", "sentence"),
    [
        ({"displayNbr": "12025550100"}, InvalidNumber, "displayNbr must be E.164"),
        ({"displayNbr": "+12025550199"}, DisplayNumberNotOwned, "displayNbr is not a number of the app"),
        ({"callerNbr": None}, InvalidField, "callerNbr is required"),
        ({"callerNbr": "12025550111"}, InvalidNumber, "callerNbr must be E.164"),
        ({"callerNbr": 12025550111}, InvalidField, "callerNbr must be a string"),
        ({"callerNbr": "+" + "1" * 31}, InvalidField, "callerNbr must have 4 to 31 characters"),
        ({"callerNbr": ""}, InvalidField, "callerNbr is required"),
        ({"calleeNbr": ""}, InvalidField, "calleeNbr is required"),
        ({"callerNbr": "+1202555 0111"}, InvalidNumber, "callerNbr must be E.164"),
        ({"callerNbr": "+12025550111\n"}, InvalidNumber, "callerNbr must be E.164"),
        (
            {"callerNbr": "+１２０２５５５０１１１"},
            InvalidNumber,
            "callerNbr must be E.164: a plus sign",
        ),
        ({"displayCalleeNbr": "+12025550111"}, DisplayNumberNotOwned, "displayCalleeNbr is not a number of the app"),
        ({"calleeNbr": ["+12025550122"]}, InvalidField, "calleeNbr must be a string"),
        ({"bindNbr": "+12025550199"}, DisplayNumberNotOwned, "bindNbr is not a number of the app"),
        ({"maxDuration": 1441}, InvalidField, "maxDuration must be 0 to 1440 minutes"),
        ({"maxDuration": -1}, InvalidField, "maxDuration must be 0 to 1440 minutes"),
        ({"maxDuration": "30 min"}, InvalidField, "maxDuration must be a whole number"),
        ({"maxDuration": "0" * 60_000 + "x"}, InvalidField, "maxDuration must be a whole number"),
        ({"maxDuration": "9" * 5000}, InvalidField, "maxDuration must be 0 to 1440 minutes"),
        ({"maxDuration": "-1"}, InvalidField, "maxDuration must be 0 to 1440 minutes"),
        ({"maxDuration": "٣٠"}, InvalidField, "maxDuration must be a whole number in the digits 0-9"),
        ({"maxDuration": "-"}, InvalidField, "maxDuration must be a whole number in the digits 0-9"),
        ({"maxDuration": "1441"}, InvalidField, "maxDuration must be 0 to 1440 minutes"),
        ({"maxDuration": 30.5}, InvalidField, "maxDuration must be a whole number"),
        ({"maxDuration": float("inf")}, InvalidField, "maxDuration must be a whole number"),
        ({"maxDuration": True}, InvalidField, "maxDuration must be a whole number"),
        (
            {"maxDuration": 30, "lastMinVoice": "../secret.wav"},
            InvalidField,
            "lastMinVoice must be a file name of A-Z",
        ),
        ({"maxDuration": 30, "lastMinToUE": "all"}, InvalidField, 'lastMinToUE must be "toa" or "tob" or "both"'),
        ({"playPreVoice": "on"}, InvalidField, 'playPreVoice must be "true" or "false"'),
        ({"playPreVoice": "true", "preVoice": "a" * 129}, InvalidField, "preVoice must have 1 to 128 characters"),
        ({"playPreVoice": True, "preVoice": "none.wav"}, InvalidField, "preVoice is not a prompt that the operator"),
        ({"waitVoice": "a b.wav"}, InvalidField, "waitVoice must be a file name"),
        ({"calleeMedia": "some"}, InvalidField, 'calleeMedia must be "all" or "none" or "fail"'),
        ({"statusUrl": "http://sp.example.com/"}, InvalidField, "statusUrl must be a URL in Base64"),
        ({"statusUrl": encoded("no url")}, InvalidField, "statusUrl must not contain spaces"),
        ({"statusUrl": encoded("https://sp.example.com/ü")}, InvalidField, "statusUrl must be ASCII"),
        ({"statusUrl": encoded("https://sp.example.com/#s")}, InvalidField, "statusUrl must not have a fragment"),
        ({"statusUrl": encoded("ftp://sp.example.com/")}, ForbiddenAddress, "statusUrl must be an http or https URL"),
        ({"statusUrl": "a" * 129}, InvalidField, "statusUrl must have 1 to 128 characters"),
        ({"statusUrl": "aHR0c"}, InvalidField, "statusUrl must be a URL in Base64"),
        ({"statusUrl": "="}, ForbiddenAddress, "statusUrl must be an http or https URL"),
        ({"statusUrl": "/w=="}, InvalidField, "statusUrl must be a URL in Base64"),
        ({"feeUrl": encoded("http://u:p@sp.example.com/")}, ForbiddenAddress, "feeUrl must not carry a user name"),
        ({"recordFlag": "yes"}, InvalidField, 'recordFlag must be "true" or "false"'),
        ({"recordFlag": "true"}, RecordingNotEnabled, "recordFlag is true, but recording is not enabled"),
        ({"recordFlag": "true", "recordHintTone": 1}, InvalidField, "recordHintTone must be a string"),
        (
            {"recordFlag": "true", "recordHintTone": "nobody-has-it.wav"},
            InvalidField,
            "recordHintTone is not a recording notice",
        ),
        (
            {"recordFlag": "true", "recordHintTone": "hello_1.wav"},
            InvalidField,
            "recordHintTone is not a recording notice",
        ),
        ({"partyTypeRequiredInDisconnect": 2}, InvalidField, "partyTypeRequiredInDisconnect must be"),
        ({"partyTypeRequiredInDisconnect": 1.0}, InvalidField, "partyTypeRequiredInDisconnect must be"),
        ({"returnIdlePort": ["true"]}, InvalidField, "returnIdlePort must be"),
        ({"userData": "x" * 257}, InvalidField, "userData must have 1 to 256 characters"),
        ({"userData": "{x"}, InvalidField, "userData must not contain { or }"),
        ({"userData": "x}"}, InvalidField, "userData must not contain { or }"),
        ({"userData": "订单"}, InvalidField, "userData must not contain Chinese, Japanese, Korean"),
        (
            {"userData": "注文カタカナ"},
            InvalidField,
            "userData must not contain Chinese, Japanese, Korean",
        ),
        ({"userData": "안녕"}, InvalidField, "userData must not contain Chinese, Japanese, Korean"),
        (
            {"userData": "order １２３"},
            InvalidField,
            "userData must not contain Chinese, Japanese, Korean",
        ),
        ({"userData": "a\u0000b"}, InvalidField, "userData must not contain control characters"),
        ({"userData": "\ud800"}, InvalidField, "userData must not contain half of a surrogate pair"),
        ({"callMemory": "on"}, InvalidField, 'callMemory must be "true" or "false"'),
        ({"callBackTone": "none.wav"}, InvalidField, "callBackTone is not a prompt that the operator"),
        ({"callbackExpiredTime": 0}, InvalidField, "callbackExpiredTime must be 1 to 2160 hours"),
        ({"callbackExpiredTime": 2161}, InvalidField, "callbackExpiredTime must be 1 to 2160 hours"),
        ({"callbackExpiredTime": "1 h"}, InvalidField, "callbackExpiredTime must be a whole number"),
        ({"callbackExpiredTime": 721}, InvalidField, "callbackExpiredTime must be at most 720, the app's own"),
    ],
)
def test_each_broken_rule_has_its_own_sentence(fields, kind, sentence):
    with pytest.raises(kind) as refused:
        read(**fields)
    assert str(refused.value).startswith(sentence)
    assert type(refused.value) is kind


@pytest.mark.parametrize(
    ("name", "condition", "off", "on"),
    [
        ("lastMinVoice", "maxDuration", (0, "0", None, ""), 30),
        ("lastMinToUE", "maxDuration", (0, "0", None, ""), 30),
        ("preVoice", "playPreVoice", ("false", False, None, ""), "true"),
        ("recordHintTone", "recordFlag", ("false", False, None, ""), "true"),
        ("callBackTone", "callMemory", ("false", False), "true"),
        ("callbackExpiredTime", "callMemory", ("false", False), "true"),
    ],
)
@pytest.mark.parametrize("sent", ["not-uploaded.wav", "no/file name", "x" * 500, 7000, ["a"]])
def test_a_field_without_effect_is_not_judged(name, condition, off, on, sent):
    """The format says "effective if" or "only if" of each; clients send their house prompts in every request."""
    app = replace(APP, recording=True)
    for value in off:
        assert read(app, **{name: sent, condition: value}) == read(app, **{condition: value})
    with pytest.raises(InvalidField, match=f"^{name} "):
        read(app, **{name: sent, condition: on})


def test_of_several_broken_rules_the_first_of_the_table_is_told():
    with pytest.raises(InvalidField, match=r"^callerNbr is required"):
        read_callback(json.dumps({"userData": "{", "maxDuration": 1441, "calleeNbr": "x"})).request(APP)


def test_an_app_without_numbers_must_be_given_one():
    with pytest.raises(InvalidField, match=r"^displayNbr is required"):
        read(App(key="app-1", sp="sp-1", secret="s"))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "body is not JSON"),
        (b'{"callerNbr":', "body is not JSON"),
        (b"\xff\xfe", "body is not JSON"),
        (b'{"userData": "\xe9"}', "body is not in UTF-8"),
        (b"[" * 60_000, "body is nested too deeply"),
        (b"9" * 5000, "body has a number of too many digits"),
        (b"[]", "body is not a JSON object"),
        (b'"text"', "body is not a JSON object"),
        (b"null", "body is not a JSON object"),
        (b" " * 70_000, "body is longer than"),
    ],
)
def test_a_body_that_is_no_json_object(body, sentence):
    with pytest.raises(InvalidField) as refused:
        read_callback(body).request(APP)
    assert str(refused.value).startswith(sentence)


CLAIMS: dict[str, Callable[[Any], bool]] = {
    "must be a string": lambda sent: not isinstance(sent, str),
    "must have 1 to 128 characters": lambda sent: not 1 <= len(sent) <= 128,
    "must have 1 to 256 characters": lambda sent: not 1 <= len(sent) <= 256,
    "must not contain { or }": lambda sent: "{" in sent or "}" in sent,
    "must not contain Chinese": lambda sent: any(unicodedata.east_asian_width(each) in "WF" for each in sent),
    "must not contain control": lambda sent: any(unicodedata.category(each) == "Cc" for each in sent),
    "must not contain half": lambda sent: any("\ud800" <= each <= "\udfff" for each in sent),
    "must be a whole number": lambda sent: (
        isinstance(sent, bool) or not (re.fullmatch("-?[0-9]+", sent) if isinstance(sent, str) else sent == sent // 1)
    ),
    "must be 0 to 1440": lambda sent: not 0 <= float(sent) <= 1440,
    "must be a URL in Base64": lambda sent: plain(sent) == sent,
    "must be ASCII": lambda sent: not plain(sent).isascii(),
    "must not contain spaces": lambda sent: re.search(r'[\x00- \x7f\\"<>^`{|}]', plain(sent)) is not None,
    "must not have a fragment": lambda sent: "#" in plain(sent),
    "must be an http": lambda sent: not plain(sent).startswith(("http:", "https:")),
    "must not carry a user": lambda sent: "@" in plain(sent),
    "has no host": lambda sent: re.match(r"https?:(//[^/?:])", plain(sent)) is None,
    "has a host that": lambda sent: re.match(r"https?://[a-z]+([:/?]|$)", plain(sent)) is None,
    "has a port that": lambda sent: plain(sent).count(":") > 1,
}
"""Of each text of a refusal: whether it is true of what was sent."""


def plain(sent: str) -> str:
    text = re.sub(r"\s", "", sent, flags=re.ASCII).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:
        return sent


@given(
    st.tuples(st.just("userData"), st.text(max_size=300) | st.text("ab{}\x00カ１é\ud800 ", max_size=9))
    | st.tuples(st.just("maxDuration"), st.integers() | st.floats() | st.booleans() | st.text("0159-. ٣", max_size=9))
    | st.tuples(st.just("statusUrl"), st.text("httpsé:/.#@ <a1", max_size=30).map("http://".__add__).map(encoded))
    | st.tuples(st.sampled_from(["userData", "statusUrl"]), st.none() | st.integers() | st.text(max_size=140))
)
def test_a_refusal_names_a_fault_that_is_there(field):
    name, sent = field
    try:
        read(**{name: sent})
    except InvalidField as refused:
        [claim] = [claim for claim in CLAIMS if refused.text.startswith(claim)]
        assert CLAIMS[claim](sent), refused.text
        assert len(f"Invalid request.{refused}") <= 128, "the format's longest text"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = ["displayNbr", "calleeNbr", "maxDuration", "statusUrl", "userData", "recordFlag", "lastMinToUE", "preVoice"]
NAMES += ["callMemory", "callBackTone", "callbackExpiredTime"]


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_whatever_a_field_holds_it_is_read_or_refused_by_name(fields):
    try:
        request = read(**fields)
    except InvalidField as refused:
        assert refused.field in NAMES
        return
    assert request.longest_talk is None or timedelta(0) < request.longest_talk <= timedelta(minutes=1440)
    assert {request.caller_sees.e164, request.callee_sees.e164} <= set(APP.display_numbers)


def test_a_stop_names_its_call():
    body = {"sessionid": f"1_2_3_20261122090000@{HOST}", "signal": "call_stop"}
    assert read_stop(json.dumps(body), HOST) == "1_2_3_20261122090000"


@pytest.mark.parametrize(
    ("fields", "kind", "sentence"),
    [
        ({"sessionid": None}, InvalidField, "sessionid is required"),
        ({"sessionid": ""}, InvalidField, "sessionid is required"),
        ({"sessionid": "x" * 257}, InvalidField, "sessionid must have 1 to 256 characters"),
        ({"signal": None}, InvalidField, "signal is required"),
        ({"signal": ""}, InvalidField, "signal is required"),
        ({"signal": "stop"}, InvalidField, 'signal must be "call_stop"'),
        ({"sessionid": "1_2_3_20261122090000@other.example.com"}, UnknownCall, ""),
        ({"sessionId": "only the other spelling", "sessionid": None}, InvalidField, "sessionid is required"),
    ],
)
def test_a_stop_that_is_none(fields, kind, sentence):
    body = {"sessionid": f"1_2_3_20261122090000@{HOST}", "signal": "call_stop"} | fields
    with pytest.raises(kind) as refused:
        read_stop(json.dumps(body), HOST)
    assert str(refused.value).startswith(sentence)
