"""SMA event → what it says, in the call core's words: every type, every case, whatever JSON comes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from duologue.call_control.actions import HangUp, PlayPrompt, StartRecording
from duologue.call_control.events import (
    ActionRefused,
    BridgeFailed,
    CallEvent,
    DialAccepted,
    DialCalleeAsked,
    EndAsked,
    InboundCall,
    Informational,
    LastMinuteAsked,
    LegAnswered,
    LegEnded,
    LegRinging,
    PromptPlayed,
    RecordingStarted,
)
from duologue.domain.calls.outcome import Party
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.chime.invocation import Invocation, read_invocation
from pstn.events import EVENT_TYPES
from tests.functions.worlds import CALL_ID, sample, samples
from tests.samples import LEG_A, LEG_B, NETWORK_CALL, at

HEARD_AT = at(60)
A_STARTED = datetime(2026, 11, 23, 9, 0, 0, 600_000, UTC)
B_STARTED = datetime(2026, 11, 23, 9, 0, 9, 200_000, UTC)
SAYS = (HEARD_AT, NETWORK_CALL)

TABLE: dict[str, CallEvent] = {
    "bridge_refused": BridgeFailed(*SAYS, 0, "InvalidActionParameter"),
    "bridge_without_its_prompt": BridgeFailed(*SAYS, 0, "InvalidAudioSource", unplayable=True),
    "call_answered": LegAnswered(*SAYS, Party.CALLER, LEG_A, A_STARTED),
    "callee_answered": LegAnswered(*SAYS, Party.CALLEE, LEG_B, B_STARTED),
    "callee_not_answered": BridgeFailed(*SAYS, 0),
    "callee_not_answered_with_sip_code": BridgeFailed(*SAYS, 486),
    "dial_callee_asked": DialCalleeAsked(*SAYS),
    "digits_received": Informational(*SAYS, "DIGITS_RECEIVED ReceiveDigits"),
    "end_asked": EndAsked(*SAYS, {Party.CALLER: LEG_A, Party.CALLEE: LEG_B}),
    "event_of_a_type_unknown": Informational(*SAYS, "LEG_TRANSFERRED Transfer"),
    "hang_up_done": Informational(*SAYS, "ACTION_SUCCESSFUL Hangup"),
    "hang_up_refused": Informational(*SAYS, "ACTION_FAILED Hangup"),
    "hangup_callee_after_talk": LegEnded(*SAYS, Party.CALLEE, LEG_B, 0, {Party.CALLER: LEG_A}),
    "hangup_callee_last": LegEnded(*SAYS, Party.CALLEE, LEG_B, 0),
    "hangup_caller_after_talk": LegEnded(*SAYS, Party.CALLER, LEG_A, 0, {Party.CALLEE: LEG_B}),
    "hangup_caller_busy": LegEnded(*SAYS, Party.CALLER, LEG_A, 486),
    "hangup_caller_last": LegEnded(*SAYS, Party.CALLER, LEG_A, 0),
    "hangup_caller_not_answered": LegEnded(*SAYS, Party.CALLER, LEG_A, 480),
    "hangup_caller_rejected": LegEnded(*SAYS, Party.CALLER, LEG_A, 603),
    "hangup_caller_while_the_callee_rings": LegEnded(*SAYS, Party.CALLER, LEG_A, 0),
    "invalid_response": ActionRefused(*SAYS, "the answer", "SchemaVersionMismatch"),
    "last_minute_asked": LastMinuteAsked(*SAYS),
    "new_inbound_call": InboundCall(*SAYS, LEG_A, PhoneNumber("+12025550122"), PhoneNumber("+12025550101"), A_STARTED),
    "new_inbound_call_withheld": InboundCall(*SAYS, LEG_A, None, PhoneNumber("+12025550101"), A_STARTED),
    "new_outbound_call": DialAccepted(*SAYS, LEG_A, A_STARTED),
    "new_outbound_call_of_nobody": DialAccepted(*SAYS, LEG_A, A_STARTED),
    "parting_prompt_played": PromptPlayed(*SAYS),
    "prelude_played": PromptPlayed(*SAYS),
    "prompt_failed": ActionRefused(*SAYS, PlayPrompt.__name__, "InvalidAudioSource"),
    "prompt_interrupted": Informational(*SAYS, "ACTION_INTERRUPTED PlayAudio"),
    "prompt_played": PromptPlayed(*SAYS),
    "recording_refused": ActionRefused(
        *SAYS, StartRecording.__name__, "NoAccessToDestination: Error while accessing destination"
    ),
    "recording_started": RecordingStarted(
        *SAYS,
        "app-1/3263827911_1044187234_2889035102_20261123090000/2026/11/23/2026-11-23-09-00-00-000_"
        "3f0c7c1e-5d1b-4d7a-9a51-6e0d8b6c2f41_0a9c2e7d-41f7-4a0e-8d53-95a3c0de1a01.wav",
    ),
    "ringing": LegRinging(*SAYS, Party.CALLER, LEG_A, A_STARTED),
    "ringing_of_the_callee": LegRinging(*SAYS, Party.CALLEE, LEG_B, B_STARTED),
}


def read(event: dict[str, Any]) -> Invocation:
    return read_invocation(event, HEARD_AT)


def test_every_sample_has_its_row():
    assert sorted(TABLE) == samples("call_control")


def test_every_event_type_has_a_sample():
    assert set(EVENT_TYPES) <= {sample("call_control", name)["InvocationEventType"] for name in TABLE}


@pytest.mark.parametrize("name", TABLE)
def test_what_an_event_says(name):
    assert read(sample("call_control", name)).event == TABLE[name]


@pytest.mark.parametrize("name", TABLE)
def test_who_an_event_is_about(name):
    event = sample("call_control", name)
    said = read(event)
    assert (said.network_call, said.event_key) == (NETWORK_CALL, f"{event['Sequence']:06d}")
    assert said.introduces == (event["InvocationEventType"] == "NEW_OUTBOUND_CALL")
    ours = not name.startswith(("new_inbound_call", "new_outbound_call_of_nobody"))
    assert said.call_id == (CALL_ID if ours else None)


# ---- how else the service is known to say the same


def changed(name: str, **parts: Any) -> dict[str, Any]:
    event = sample("call_control", name)
    event["ActionData"] = event["ActionData"] | parts
    return event


@pytest.mark.parametrize("tag", ["Leg-A", "leg-a", "LEG-A"])
def test_a_tag_in_any_case(tag):
    event = sample("call_control", "call_answered")
    event["CallDetails"]["Participants"][0]["ParticipantTag"] = tag
    assert read(event).event == TABLE["call_answered"]


def test_legs_in_any_order():
    event = sample("call_control", "callee_answered")
    event["CallDetails"]["Participants"].reverse()
    assert read(event).event == TABLE["callee_answered"]


def test_a_leg_that_is_no_longer_listed():
    """Its HANGUP names it all the same."""
    event = sample("call_control", "hangup_callee_after_talk")
    event["CallDetails"]["Participants"].pop()
    assert read(event).event == TABLE["hangup_callee_after_talk"]


def test_the_leg_that_dropped_is_not_its_own_peer():
    """Whatever status the network gives a leg in its own HANGUP, nobody is left if the other is gone."""
    event = sample("call_control", "hangup_caller_last")
    event["CallDetails"]["Participants"][0]["Status"] = "Connected"
    assert read(event).event == TABLE["hangup_caller_last"]


@pytest.mark.parametrize("status", [None, "", "Ringing", "Disconnected"])
def test_a_leg_is_up_only_if_the_network_says_connected(status):
    """Of a callee that still rings, no hang-up would come once its caller is gone."""
    event = sample("call_control", "hangup_caller_after_talk")
    event["CallDetails"]["Participants"][1]["Status"] = status
    assert read(event).event == LegEnded(*SAYS, Party.CALLER, LEG_A, 0)


@pytest.mark.parametrize("code", [486, "486"])
def test_a_sip_status_as_number_or_text(code):
    parameters = {"SipResponseCode": code, "CallId": LEG_A, "ParticipantTag": "LEG-A"}
    assert read(changed("hangup_caller_busy", Parameters=parameters)).event == TABLE["hangup_caller_busy"]


@pytest.mark.parametrize("code", [None, "", "none", -1, [], 4.5])
def test_a_sip_status_that_is_none(code):
    assert read(changed("callee_not_answered", SipResponseCode=code)).event == BridgeFailed(*SAYS, 0)


def test_an_error_in_one_string():
    data = {"Type": "StartCallRecording", "Error": "NoAccessToDestination: Error while accessing destination"}
    event = sample("call_control", "prompt_failed") | {"ActionData": data}
    assert read(event).event == ActionRefused(*SAYS, StartRecording.__name__, data["Error"])


@pytest.mark.parametrize(
    ("kind", "ours"),
    [("PlayAudio", PlayPrompt.__name__), ("Hangup", HangUp.__name__), ("Speak", "Speak")],
)
def test_a_refused_action_has_our_name(kind, ours):
    assert read(changed("prompt_failed", Type=kind)).event == ActionRefused(*SAYS, ours, "InvalidAudioSource")


@pytest.mark.parametrize(
    ("error", "refused", "no_room"),
    [
        ("CallNotAnswered", None, False),
        (None, None, False),
        ("CallRejected", None, False),
        ({}, None, False),
        ("InvalidActionParameter", "InvalidActionParameter", False),
        ("AccessDenied", "AccessDenied", False),
        ("InvalidAudioSource", "InvalidAudioSource", False),
        ("ActionExecutionThrottled", "ActionExecutionThrottled", True),
        ("SystemException", "SystemException", True),
    ],
)
def test_a_failed_bridge_was_dialled_or_not(error, refused, no_room):
    """Only what is documented to come before the dial was not dialled; a SIP status is the far end's own word."""
    unplayable = error == "InvalidAudioSource"
    event = changed("callee_not_answered", ErrorType=error)
    assert read(event).event == BridgeFailed(*SAYS, 0, refused, no_room, unplayable)
    event["ActionData"]["SipResponseCode"] = 486
    assert read(event).event == BridgeFailed(*SAYS, 486)


def test_a_bridge_without_a_waiting_prompt_does_not_fail_for_want_of_one():
    event = sample("call_control", "bridge_without_its_prompt")
    del event["ActionData"]["Parameters"]["RingbackTone"]
    assert read(event).event == BridgeFailed(*SAYS, 0, "InvalidAudioSource")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("callee_not_answered", Informational(*SAYS, "ACTION_FAILED CallAndBridge")),
        ("prompt_failed", Informational(*SAYS, "ACTION_FAILED PlayAudio")),
        ("prompt_played", Informational(*SAYS, "ACTION_SUCCESSFUL PlayAudio")),
        ("callee_answered", EndAsked(*SAYS, {Party.CALLEE: LEG_B})),
        ("recording_started", TABLE["recording_started"]),
    ],
)
def test_a_result_after_the_caller_has_gone(name, says):
    """The action was cut by the end of the caller's leg, whose HANGUP says why; a callee that is up is hung up."""
    event = sample("call_control", name)
    event["CallDetails"]["Participants"][0]["Status"] = "Disconnected"
    assert read(event).event == says


def test_a_bridge_without_its_callee_after_the_caller_has_gone():
    event = sample("call_control", "callee_answered")
    event["CallDetails"]["Participants"] = [event["CallDetails"]["Participants"][0] | {"Status": "Disconnected"}]
    assert read(event).event == EndAsked(*SAYS, {})


@pytest.mark.parametrize("name", ["prompt_failed", "bridge_refused"])
def test_an_error_at_the_top_level(name):
    event = sample("call_control", name)
    event["ErrorType"] = event["ActionData"].pop("ErrorType")
    assert read(event).event == TABLE[name]


@pytest.mark.parametrize("command", ["transfer", "", None, 1])
def test_a_command_that_is_not_ours(command):
    event = changed("end_asked", Parameters={"Arguments": {"command": command}})
    assert read(event).event == Informational(*SAYS, "CALL_UPDATE_REQUESTED CallUpdateRequest")


def test_the_attributes_win_over_the_arguments():
    event = sample("call_control", "new_outbound_call")
    event["CallDetails"]["TransactionAttributes"] = {"callId": "1_1_1_20261123090000"}
    assert read(event).call_id == "1_1_1_20261123090000"


# ---- whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
TAGS = st.sampled_from(["LEG-A", "LEG-B", "Leg-b", ""]) | JSON
NUMBERS = st.sampled_from(["0", "486", "²", "٣", "9" * 30, -1, 0, 1e400, "1795424400600"]) | JSON
LEGS = st.fixed_dictionaries(
    {},
    optional={
        "CallId": JSON,
        "ParticipantTag": TAGS,
        "Status": st.sampled_from(["Connected", "Disconnected"]) | JSON,
        "StartTimeInMilliseconds": NUMBERS,
    },
)
ARGUMENTS = st.fixed_dictionaries(
    {}, optional={"callId": JSON, "command": st.sampled_from(["end", "dial_callee"]) | JSON}
)
PARAMETERS = st.fixed_dictionaries(
    {}, optional={"Arguments": ARGUMENTS | JSON, "ParticipantTag": TAGS, "CallId": JSON, "SipResponseCode": NUMBERS}
)
KINDS = sorted({sample("call_control", name).get("ActionData", {}).get("Type", "Speak") for name in TABLE})
ACTIONS = st.fixed_dictionaries(
    {},
    optional={
        "Type": st.sampled_from(KINDS) | JSON,
        "Parameters": PARAMETERS | JSON,
        "SipResponseCode": NUMBERS,
        "ErrorType": JSON,
        "Error": JSON,
    },
)
DETAILS = st.fixed_dictionaries(
    {},
    optional={
        "TransactionId": JSON,
        "TransactionAttributes": st.dictionaries(st.just("callId"), JSON) | JSON,
        "Participants": st.lists(LEGS | JSON, max_size=3) | JSON,
    },
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "Sequence": NUMBERS,
        "InvocationEventType": st.sampled_from(EVENT_TYPES) | JSON,
        "ActionData": ACTIONS | JSON,
        "CallDetails": DETAILS | JSON,
        "ErrorType": JSON,
    },
)


@pytest.mark.parametrize("legs", [True, 1, "LEG-A", {}, None, [None, 1, "LEG-A"]])
def test_participants_that_are_none(legs):
    event = sample("call_control", "end_asked")
    event["CallDetails"]["Participants"] = legs
    asked = read(event).event
    assert isinstance(asked, EndAsked)
    assert asked.connected == {}


@example({"CallDetails": {"Participants": 1}})
@given(EVENTS | st.dictionaries(st.text(max_size=12), JSON, max_size=4))
def test_any_object_says_something(event):
    """Whatever the service may send one day, no exception cuts off a person."""
    said = read(event)
    assert isinstance(said.event, CallEvent)
    assert type(said.event_key) is str
    assert json.dumps([said.network_call, said.call_id, *getattr(said.event, "connected", {}).values()])
