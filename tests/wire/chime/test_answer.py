"""Every action in the service's own words: against the documented shape, and played by the local network."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.actions import Action, DialAndBridge, HangUp, PlayPrompt, StartRecording
from duologue.call_control.inbound import connect
from duologue.call_control.prompts import AppPrompt, Prompt
from duologue.domain.calls.outcome import Party
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.chime.answer import Buckets, write_answer
from pstn.reply import Reply, read_reply
from pstn.switches import Switches
from tests.pstn.scripted import SHOWN_B, B
from tests.samples import CALLEE, SHOWN_TO_CALLEE, TARGET, incoming

STORE = Buckets("prompts-bucket", "recordings-bucket")
DIAL = DialAndBridge(PhoneNumber(B), PhoneNumber(SHOWN_B), timedelta(seconds=20), Prompt.WAITING)


def source(prompt: str) -> dict[str, str]:
    return {"Type": "S3", "BucketName": "prompts-bucket", "Key": f"prompts/{prompt}.wav"}


TABLE: list[tuple[Action, dict]] = [
    (
        PlayPrompt(Party.CALLEE, Prompt.CALLEE_UNAVAILABLE),
        {
            "Type": "PlayAudio",
            "Parameters": {"ParticipantTag": "LEG-B", "Repeat": 1, "AudioSource": source("callee-unavailable")},
        },
    ),
    (
        PlayPrompt(Party.CALLER, AppPrompt("app-1", "welcome.wav")),
        {
            "Type": "PlayAudio",
            "Parameters": {
                "ParticipantTag": "LEG-A",
                "Repeat": 1,
                "AudioSource": {"Type": "S3", "BucketName": "prompts-bucket", "Key": "apps/app-1/welcome.wav"},
            },
        },
    ),
    (
        DIAL,
        {
            "Type": "CallAndBridge",
            "Parameters": {
                "CallTimeoutSeconds": 20,
                "CallerIdNumber": SHOWN_B,
                "RingbackTone": source("waiting"),
                "Endpoints": [{"BridgeEndpointType": "PSTN", "Uri": B}],
            },
        },
    ),
    (
        replace(DIAL, waiting=None),
        {
            "Type": "CallAndBridge",
            "Parameters": {
                "CallTimeoutSeconds": 20,
                "CallerIdNumber": SHOWN_B,
                "Endpoints": [{"BridgeEndpointType": "PSTN", "Uri": B}],
            },
        },
    ),
    (
        StartRecording("leg-1", "app-1/1_2_3_20261123090000"),
        {
            "Type": "StartCallRecording",
            "Parameters": {
                "CallId": "leg-1",
                "Track": "BOTH",
                "Destination": {"Type": "S3", "Location": "recordings-bucket/app-1/1_2_3_20261123090000"},
            },
        },
    ),
    # By the leg's own id: the tag would hit a later leg of the same side.
    *(
        (
            HangUp(Party.CALLEE, "leg-7", status),
            {"Type": "Hangup", "Parameters": {"CallId": "leg-7", "SipResponseCode": str(status)}},
        )
        for status in (0, 480, 486)
    ),
]


@pytest.mark.parametrize(("action", "written"), TABLE, ids=lambda part: type(part).__name__)
def test_an_action_is_written(action, written):
    assert write_answer([action], STORE) == {"SchemaVersion": "1.0", "Actions": [written]}


def test_every_kind_of_action_has_a_row():
    assert {type(action) for action, _ in TABLE} == set(Action.__args__)


def test_our_call_id_is_given_once_and_never_erased():
    assert write_answer((), STORE, introduces="call-1")["TransactionAttributes"] == {"callId": "call-1"}
    assert "TransactionAttributes" not in write_answer((), STORE)


@pytest.mark.parametrize("introduces", [None, "1_2_3_20261123090000"])
def test_the_network_takes_the_answer(introduces):
    answer = write_answer([action for action, _ in TABLE], STORE, introduces=introduces)
    read = read_reply(answer, Switches())
    assert isinstance(read, Reply)
    assert list(read.actions) == answer["Actions"]
    assert read.attributes == ({"callId": introduces} if introduces else None)


def test_the_callee_of_a_return_call_sees_the_display_number_and_nothing_of_the_caller():
    begun = connect(incoming(), TARGET)
    answer = json.dumps(write_answer(begun.actions, STORE, introduces=begun.call.id))
    assert CALLEE.e164 not in answer, "who dials"
    assert json.loads(answer)["Actions"][0]["Parameters"]["CallerIdNumber"] == SHOWN_TO_CALLEE.e164
