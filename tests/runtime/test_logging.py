"""What a log line holds, and what it never does."""

import json
import logging
from types import SimpleNamespace

import pytest

from duologue.adapters.basics.metrics import count
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.runtime.logging import mask, set_up
from duologue.runtime.settings import SettingMissing, flag, setting


def line(message: str, *arguments: object, error: bool = False, **extra: object) -> dict[str, object]:
    record = logging.LogRecord("duologue.test", logging.INFO, __file__, 1, message, arguments, None)
    record.__dict__.update(extra)
    if error:
        try:
            raise ValueError("no room for +12025550111")
        except ValueError as raised:
            record.exc_info = (type(raised), raised, raised.__traceback__)
    set_up()
    [handler] = logging.getLogger().handlers
    said: dict[str, object] = json.loads(handler.format(record))
    return said


def test_a_line_is_one_json_object_with_what_was_said_of_the_call():
    said = line("accepted %s", "once", call_id="1_2_3_20261123090000", sequence=4)
    assert said["message"] == "accepted once"
    assert (said["call_id"], said["sequence"], said["level"]) == ("1_2_3_20261123090000", 4, "INFO")
    assert str(said["timestamp"]).endswith("+00:00")


@pytest.mark.parametrize("number", ["+12025550111", "+8613900000001", "+442079460000"])
def test_no_telephone_number_is_in_a_line_wherever_it_was_said(number):
    said = [
        line(f"dialling {number}"),
        line("dialling %s", number),
        line("dialling", to=number, call={"legs": [number]}),
        line("dialling %s %r", PhoneNumber(number), PhoneNumber(number)),
    ]
    assert number not in json.dumps(said)
    assert number[-4:] not in json.dumps(said)
    assert number[-2:] in json.dumps(said), "enough is left to tell two numbers apart"


def test_no_telephone_number_is_in_the_trace_of_an_error():
    said = line("failed", error=True)
    assert "+12025550111" not in str(said)
    assert "ValueError" in str(said["exception"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/phones/%2B12025550111/calls", "/phones/%2B120******11/calls"),
        ("%2b12025550111", "%2b120******11"),
        ("to +1-202-555-0111.", "to +120******11."),
        ("+1 (202) 555-0111", "+120******11"),
        ("+44 20 7946 0000, +1.202.555.0112", "+442*******00, +120******12"),
        ("+44 (0)20 7946 0000, +81 3-1234-5678", "+440********00, +813******78"),
        ("call to +12025550111 486 Busy", "call to +120******11 486 Busy"),
        ("+12025550111 2026-11-29T09:00:00", "+120******11 2026-11-29T09:00:00"),
        ("dialled +12025550111 (2)", "dialled +120******11 (2)"),
        ("+4420794600 (3 attempts)", "+442*****00 (3 attempts)"),
        ("+1 202 555 0111 486 Busy", "+120******11 486 Busy"),
        ("+44 20 7946 0000 486, +33 1 99 00 12 34 09:00", "+442*******00 486, +331******34 09:00"),
        ("+44 20 794 600 2026-11-29 (2)", "+442*****00 2026-11-29 (2)"),
        ("+1 202 555 0111x, +12025550112x", "+120******11x, +120******12x"),
    ],
)
def test_a_number_is_masked_as_people_and_urls_write_it(text, shown):
    assert mask(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:00:00+00:00 +1 +123",
        "2026-11-23T09:00:00.123456+05:30",
        "1_2_3_20261123090000@duologue.example.com",
        "12345678-1234-1234-1234-123456789012",
        "arn:aws:lambda:us-east-1:111122223333:function:built",
        "a=%2Fb%2B1&c=2",
        "rtt +1.2345678 s, +2.3456789",
        "day +20 2026-11-29 09:00",
    ],
)
def test_what_is_no_number_stays_as_it_is(text):
    assert mask(text) == text


def test_whatever_logs_is_written_masked_once_with_the_invocation_that_it_is_of(capsys):
    """A library that names a number too. Another invocation of the process has another id."""
    for request_id in ("first", "second"):
        set_up(SimpleNamespace(aws_request_id=request_id))
        logging.getLogger("urllib3.connectionpool").warning("no answer from %s", "+12025550111")
    written = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(one["function_request_id"], one["message"]) for one in written] == [
        ("first", "no answer from +120******11"),
        ("second", "no answer from +120******11"),
    ]
    assert logging.getLogger("botocore").level == logging.WARNING


def test_a_counter_is_one_line_that_cloudwatch_reads(capsys):
    count("Unexpected", Function="call_control")
    said = json.loads(capsys.readouterr().out)
    [metric] = said["_aws"]["CloudWatchMetrics"]
    assert (metric["Namespace"], metric["Dimensions"], said["Unexpected"]) == ("Duologue", [[], ["Function"]], [1.0])
    assert said["Function"] == "call_control"


def test_a_setting_that_is_missing_is_named(monkeypatch):
    monkeypatch.delenv("CALLS_TABLE", raising=False)
    with pytest.raises(SettingMissing, match="CALLS_TABLE"):
        setting("CALLS_TABLE")
    assert setting("CALLS_TABLE", "calls") == "calls"


@pytest.mark.parametrize(
    ("said", "is_on"), [("true", True), ("TRUE", True), ("false", False), ("1", False), ("", False)]
)
def test_a_switch_is_on_only_by_its_word(monkeypatch, said, is_on):
    monkeypatch.setenv("ALLOW_LOOPBACK", said)
    assert flag("ALLOW_LOOPBACK") is is_on
