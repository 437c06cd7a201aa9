"""`duologue logs` against log groups as the functions fill them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from duologue.operator.__main__ import main

# moto reads a pattern with ? as a term.
pytestmark = pytest.mark.parametrize("aws", ["lab"], indirect=True)

NOW = datetime.now(UTC).replace(microsecond=0)
CALL, OTHER = (f"{number}_2_3_{NOW:%Y%m%d%H%M%S}" for number in (1, 9))
MILLISECONDS = int(NOW.timestamp() * 1000)


def line(after: float, message: str, request: str, **more: Any) -> str:
    at = (NOW + timedelta(seconds=after)).isoformat(timespec="milliseconds")
    common = {"level": "INFO", "location": "answer:1", "service": "the function's name", "xray_trace_id": "1-2-3"}
    return json.dumps({**common, "message": message, "timestamp": at, "function_request_id": request, **more}) + "\n"


LOGGED = {
    "/duologue/duologue/callback_api": [
        "START RequestId: r1 Version: 1",
        line(0.1, "accepted", "r1", call_id=CALL, app="k"),
        line(0.2, "request answered", "r1", status=200),
        '{"_aws": {}, "App": "r1"}',
        "REPORT RequestId: r1\tDuration: 392 ms",
        line(0.3, "accepted", "r2", call_id=OTHER),
        line(0.4, "request answered", "r2", status=200),
    ],
    "/duologue/duologue/notify_sp": [
        *(line(2 + number, f"notification {number}", f"n{number:02}", call_id=CALL) for number in range(45)),
        line(1.5, "notification of another call", "n01", call_id=OTHER),
        line(3.1, "unhandled exception", "n01", exception="Traceback\n  ValueError: \x1b[2Jx"),
        line(48, "the last invocation", "n44"),
    ],
    "/duologue/duologue/publish_recording": [line(60, "recording: published", "p1", key=f"calls/k/{CALL}/1.wav")],
    "/duologue/duologue/flow": [
        line(1, "flow: ring_caller", "f1", call_id=CALL),
        "2026-11-23T09:00:03.001Z f1 Task timed out after 3.00 seconds",
    ],
    "/duologue/duologue/sweep": [],
    "/duologue/another/flow": [line(0, "of another stack", "x", call_id=CALL)],
}


@pytest.fixture(scope="module")
def logs(aws: Any) -> Any:
    client = aws("logs")
    for group, lines in LOGGED.items():
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName="s")
        events = [{"timestamp": MILLISECONDS + 500, "message": each} for each in lines]
        if events:
            client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    return aws


def said(logs: Any, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(("logs", *words), logs) == 0
    return capsys.readouterr().out


def test_the_lines_of_all_functions_are_joined_by_their_own_times(logs, capsys):
    lines = json.loads(said(logs, capsys, f"{CALL}@duologue.example.com", "--json"))["lines"]
    assert [(each["function"], each["message"]) for each in lines] == [
        ("callback_api", "accepted"),
        ("callback_api", "request answered"),
        ("flow", "2026-11-23T09:00:03.001Z f1 Task timed out after 3.00 seconds"),
        ("flow", "flow: ring_caller"),
        ("notify_sp", "notification 0"),
        ("notify_sp", "notification 1"),
        ("notify_sp", "unhandled exception"),
        *(("notify_sp", f"notification {number}") for number in range(2, 45)),
        ("notify_sp", "the last invocation"),
        ("publish_recording", "recording: published"),
    ]
    assert lines[0].items() >= {"app": "k", "request": "r1"}.items()
    assert not {"service", "location", "xray_trace_id", "call_id"} & set().union(*lines)


def test_as_text(logs, capsys):
    first, second, *rest = said(logs, capsys, CALL).splitlines()
    assert first.split() == [f"{NOW:%H:%M:%S}.100", "callback_api", "INFO", "accepted", "app=k"]
    assert second.endswith("request answered  status=200")
    place = next(place for place, each in enumerate(rest) if "unhandled" in each)
    assert rest[place + 1 : place + 3] == ["    Traceback", "      ValueError: \\x1b[2Jx"], "no terminal carries it out"


def test_a_call_without_lines(logs, capsys):
    unknown = CALL.replace("1", "7", 1)
    assert "No log line names this call" in said(logs, capsys, unknown)
    assert json.loads(said(logs, capsys, unknown, "--json"))["lines"] == []


@pytest.mark.parametrize("text", ["1_2_3", "1_2_3_20261399090000", "", "1_2_3_20261123090000.wav"])
def test_what_is_no_call(logs, capsys, text):
    assert main(("logs", text), logs) == 1
    assert "must be a call's id or session id" in capsys.readouterr().err
