"""A handler that somebody else wrote, deployed in the lab's cloud and watched on its screen, gives every bad answer.

The network's own tests have the tables of answers; here they go through the function's process, the threads of the
service and the time lines of `make up`.
"""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from lab.cli.multi_call_view import MultiCallView
from lab.cli.timeline import Screen
from lab.lab import NETWORK, Lab
from pstn.feed import NetworkEvent
from pstn.lines.virtual import Phone, answers
from tests.pstn.scripted import SHOWN_A
from tests.pstn.test_lambda_answers import OK, UNUSABLE
from tests.pstn.test_validation import ROWS

NUMBERS = [f"+120255501{last}" for last in range(10, 30)]
INVALID = "INVALID_LAMBDA_RESPONSE"
TABLE: list[tuple[Any, str, str]] = [
    *((payload, INVALID, error) for payload, error in UNUSABLE),
    *(({**OK, "Actions": [entry]}, f"ACTION_FAILED {entry['Type']}", error) for entry, error, _ in ROWS),
    ('{"SchemaVersion": "1.0", "Actions": []}', INVALID, "SchemaVersionMismatch"),
]
"""The answer to CALL_ANSWERED, the event that follows, its ErrorType."""
HANDLER = """
import json, pathlib

ANSWERS = json.loads(pathlib.Path(__file__).with_name("answers.json").read_text())


def handler(event, context):
    kind, details = event["InvocationEventType"], event["CallDetails"]
    answer = {"SchemaVersion": "1.0", "Actions": []}
    if kind == "NEW_OUTBOUND_CALL":
        answer["TransactionAttributes"] = event["ActionData"]["Parameters"]["Arguments"]
    elif kind == "CALL_ANSWERED":
        answer = ANSWERS[int(details["TransactionAttributes"]["row"])]
        leg_a = details["Participants"][0]["CallId"]
        return json.loads(json.dumps(answer).replace('"CallId": "A"', f'"CallId": "{leg_a}"'))
    elif kind in ("INVALID_LAMBDA_RESPONSE", "ACTION_FAILED"):
        answer["Actions"] = [{"Type": "Hangup", "Parameters": {"ParticipantTag": "LEG-A"}}]
    return answer
"""


@pytest.fixture(scope="module")
def application(lab: Lab) -> Iterator[str]:
    """A SIP media application with this handler."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as file:
        file.writestr("index.py", HANDLER)
        file.writestr("answers.json", json.dumps([answer for answer, _, _ in TABLE]))
    functions, voice = lab.client("lambda"), lab.client("chime-sdk-voice")
    role = functions.get_function_configuration(FunctionName=lab.resources["CallControlFunction"])["Role"]
    made = functions.create_function(
        FunctionName="other-handler",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": package.getvalue()},
        Timeout=20,
    )
    endpoints = [{"LambdaArn": made["FunctionArn"]}]
    line = voice.create_sip_media_application(AwsRegion=lab.cloud.region, Name="other", Endpoints=endpoints)
    functions.add_permission(
        FunctionName="other-handler",
        StatementId="network",
        Action="lambda:InvokeFunction",
        Principal=NETWORK,
        SourceArn=line["SipMediaApplication"]["SipMediaApplicationArn"],
    )
    application_id = line["SipMediaApplication"]["SipMediaApplicationId"]
    yield application_id
    voice.delete_sip_media_application(SipMediaApplicationId=application_id)
    functions.delete_function(FunctionName="other-handler")


def test_every_bad_answer_is_reported_and_shown(lab: Lab, quiet, application: str):
    out, changed = io.StringIO(), threading.Condition()
    events: dict[str, list[dict[str, Any]]] = {}

    def take(event: NetworkEvent) -> None:
        with changed:
            if event.kind == "event":
                events.setdefault(str(event.transaction), []).append(event.detail["event"])
            changed.notify_all()

    def hung_up(call: str) -> bool:
        return any(event["InvocationEventType"] == "HANGUP" for event in events.get(call, []))

    exchange, view = lab.pstn.exchange, MultiCallView(Screen(out, width=120))
    exchange.observers += [view.network_event, take]
    calls: dict[int, str] = {}
    try:
        for first in range(0, len(TABLE), len(NUMBERS)):
            for row, number in zip(range(first, len(TABLE)), NUMBERS, strict=False):
                exchange.phones[number] = Phone(answers(after=0.1, stays=20.0))
                calls[row] = exchange.create_call(
                    application, from_number=SHOWN_A, to_number=number, arguments={"row": str(row)}
                )
            with changed:
                assert changed.wait_for(lambda: all(map(hung_up, calls.values())), 60), out.getvalue()
    finally:
        exchange.observers.remove(view.network_event)
        exchange.observers.remove(take)
        for number in NUMBERS:
            exchange.phones.pop(number, None)
    for row, (answer, kind, error) in enumerate(TABLE):
        sent = sorted(events[calls[row]], key=lambda event: int(event["Sequence"]))
        told = [_named(event) for event in sent]
        assert told == ["NEW_OUTBOUND_CALL", "RINGING", "CALL_ANSWERED", kind, "HANGUP Hangup"], answer
        failed = sent[3]
        assert failed.get("ErrorType", failed.get("ActionData", {}).get("ErrorType")) == error
    assert lab.pstn.broken == []
    assert out.getvalue().count("the line goes dead") == len(TABLE)


def _named(event: dict[str, Any]) -> str:
    data = event.get("ActionData", {}) if event["InvocationEventType"] != "NEW_OUTBOUND_CALL" else {}
    return " ".join(part for part in (event["InvocationEventType"], data.get("Type")) if part)
