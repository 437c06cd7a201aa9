"""Each refusal of an action's parameters: what the service calls it and says (action pages)."""

from typing import Any

import pytest

from tests.pstn.scripted import SHOWN_B, B, Story, action, bridge, play

SPEECH = {"Text": "Press one."}
DIGITS = {"InputDigitsRegex": "^1$", "RepeatDurationInMilliseconds": 3000}
SOURCE = {"Type": "S3", "BucketName": "prompts", "Key": "menu.wav"}
RECORDING = {"Type": "S3", "Location": "recordings/callbacks"}
ENDPOINT = {"BridgeEndpointType": "PSTN", "Uri": B}
VOICEMAIL = {"Type": "S3", "BucketName": "voicemail", "Prefix": "vm/4711"}
NO_PLACE = "RecordingDestination parameter value is invalid."
TRUNK = {"BridgeEndpointType": "AWS", "Arn": "arn:aws:chime:us-east-1:111122223333:vc/abc1def2", "Uri": "600300"}

BAD = "InvalidActionParameter"
MISSING = "MissingRequiredActionParameter"
ADDRESS = "CallId or ParticipantTag parameter for action is invalid."
TIMEOUT = "The MaxCallTimeout parameter is invalid. Timeout must be between 0 and 120 seconds."
NOT_OWNED = (
    "Provided caller ID number is invalid. Number must be owned by this AWS account, or be the From number of LEG-A."
)


def to_a(kind: str, **parameters: Any) -> dict[str, Any]:
    return action(kind, CallId="A", **parameters)


def dial(**changes: Any) -> dict[str, Any]:
    entry = bridge()
    entry["Parameters"] |= changes
    return entry


ROWS = [
    (play(tag="LEG-B"), BAD, ADDRESS),
    (play(tag="LEG-X"), BAD, ADDRESS),
    (play(CallId="nobody"), BAD, ADDRESS),
    (play(Repeat="0"), BAD, "Repeat parameter value is invalid."),
    (play(Repeat=True), BAD, "Repeat parameter value is invalid."),
    (play(Repeat="x"), BAD, "Repeat parameter value is invalid."),
    (play(PlaybackTerminators=["12"]), BAD, "PlaybackTerminators parameter value is invalid."),
    (action("PlayAudio"), "InvalidAudioSource", "Audio Source parameter value is invalid."),
    (action("Hangup", ParticipantTag="LEG-B"), BAD, ADDRESS),
    (action("Hangup", SipResponseCode="603"), BAD, "SipResponseCode parameter value is invalid."),
    (action("Pause"), BAD, "Duration parameter value is invalid."),
    (action("Pause", DurationInMilliseconds=0), BAD, "Duration parameter value is invalid."),
    (to_a("Speak"), MISSING, "Text is a required parameter."),
    (to_a("Speak", Text="x" * 1001), MISSING, "Text is limited to 1,000 characters"),
    (to_a("Speak", Text="x", Engine="loud"), BAD, "Engine parameter value is invalid."),
    (to_a("Speak", Text="x", TextType="html"), BAD, "TextType parameter value is invalid."),
    (dial(Endpoints=[]), BAD, "Invalid number of endpoints provided."),
    (dial(Endpoints=[ENDPOINT, ENDPOINT]), BAD, "Invalid number of endpoints provided."),
    (dial(Endpoints=[{**ENDPOINT, "Uri": "12025550122"}]), BAD, "Endpoint parameter is invalid."),
    (dial(Endpoints=[{**ENDPOINT, "Arn": TRUNK["Arn"]}]), BAD, "Endpoint parameter is invalid."),
    (dial(Endpoints=[{**ENDPOINT, "BridgeEndpointType": "AWS"}]), BAD, "Endpoint parameter is invalid."),
    (dial(Endpoints=[{**TRUNK, "Arn": "vc/abc"}]), BAD, "Endpoint parameter is invalid."),
    (dial(Endpoints=[{**TRUNK, "Uri": "5" * 37}]), BAD, "Endpoint parameter is invalid."),
    (dial(Endpoints=[TRUNK]), "CallNotAnswered", "Call not answered"),
    (dial(Endpoints=["+12025550122"]), BAD, "Endpoint parameter is invalid."),
    (dial(CallerIdNumber=None), BAD, "Caller ID not defined."),
    (dial(CallerIdNumber="anonymous"), BAD, "Invalid caller ID."),
    (dial(CallerIdNumber="+12025550109"), BAD, NOT_OWNED),
    (dial(CallTimeoutSeconds=0), BAD, TIMEOUT),
    (dial(CallTimeoutSeconds="121"), BAD, TIMEOUT),
    (dial(SipHeaders={"From": "x"}), BAD, "Invalid SIP header(s) provided: From"),
    (dial(SipHeaders={"X-AMZN-1": "x"}), BAD, "Invalid SIP header(s) provided: X-AMZN-1"),
    (dial(RingbackTone={"Type": "S3"}), "InvalidAudioSource", "Ringtone parameter value is invalid."),
    (to_a("StartCallRecording", Track="ALL", Destination=RECORDING), BAD, "Track parameter value is invalid."),
    (to_a("StartCallRecording", Track="BOTH"), BAD, "Destination parameter value is invalid."),
    (
        action("StartCallRecording", CallId="nobody", Track="BOTH", Destination=RECORDING),
        BAD,
        "CallId parameter for action is invalid",
    ),
    (to_a("StopCallRecording"), BAD, "CallId parameter for action is invalid"),
    (
        to_a("SpeakAndGetDigits", **DIGITS, SpeechParameters=SPEECH),
        MISSING,
        "FailureSpeechParameters is a required parameter.",
    ),
    (
        to_a("PlayAudioAndGetDigits", **DIGITS, AudioSource=SOURCE),
        "InvalidAudioSource",
        "Failure Audio Source parameter value is invalid.",
    ),
    (
        to_a("PlayAudioAndGetDigits", **{**DIGITS, "InputDigitsRegex": "("}, AudioSource=SOURCE),
        BAD,
        "InputDigitsRegex parameter value is invalid.",
    ),
    (
        to_a("PlayAudioAndGetDigits", InputDigitsRegex="1", AudioSource=SOURCE),
        BAD,
        "RepeatDuration parameter value is invalid.",
    ),
    (to_a("ReceiveDigits", InputDigitsRegex="1"), BAD, "InBetweenDigitsDuration parameter value is invalid."),
    (to_a("RecordAudio"), BAD, "RecordingDestination parameter value is invalid."),
    *(
        (to_a("RecordAudio", RecordingDestination={**VOICEMAIL, **wrong}), BAD, NO_PLACE)
        for wrong in ({"Type": "SQS"}, {"BucketName": ""}, {"Prefix": "a b"}, {"Prefix": "x" * 980}, {"Prefix": 1})
    ),
    *(
        (
            to_a("RecordAudio", RecordingDestination=VOICEMAIL, **{name: value}),
            BAD,
            f"{label} parameter value is invalid.",
        )
        for name, label, value in (
            ("DurationInSeconds", "Duration", 0),
            ("SilenceDurationInSeconds", "SilenceDuration", 1001),
            ("SilenceThreshold", "SilenceThreshold", 0),
            ("RecordingTerminators", "RecordingTerminators", ["A"]),
        )
    ),
    (action("RecordAudio", CallId="nobody", RecordingDestination=VOICEMAIL), BAD, ADDRESS),
    (to_a("VoiceFocus"), MISSING, "Missing required action parameter."),
    (to_a("VoiceFocus", Enable="true"), MISSING, "Missing required action parameter."),
    (action("VoiceFocus", Enable=True), MISSING, "Missing required action parameter."),
    (action("VoiceFocus", Enable=True, CallId="nobody"), BAD, ADDRESS),
    (action("SendDigits", Digits="1"), MISSING, "CallId is a required parameter."),
    (to_a("SendDigits"), BAD, "Digits parameter value is invalid."),
    (to_a("SendDigits", Digits=""), BAD, "Digits parameter value is invalid."),
    (to_a("SendDigits", Digits="1x"), BAD, "Digits parameter value is invalid."),
    (to_a("SendDigits", Digits="1" * 51), BAD, "Digits parameter value is invalid."),
    (to_a("SendDigits", Digits="1", ToneDurationInMilliseconds=49), BAD, "ToneDuration parameter value is invalid."),
    (
        to_a("SendDigits", Digits="1", ToneDurationInMilliseconds=24_001),
        BAD,
        "ToneDuration parameter value is invalid.",
    ),
    (to_a("JoinChimeMeeting", JoinToken="x"), "SystemException", "System error while running action."),
]


@pytest.mark.parametrize(
    ("entry", "error", "message"), ROWS, ids=lambda row: row["Type"] if isinstance(row, dict) else ""
)
def test_a_bad_action_fails_and_nothing_runs(entry: dict[str, Any], error: str, message: str):
    def answer(event: dict[str, Any]) -> list[dict[str, Any]]:
        parameters = dict(entry["Parameters"])
        if parameters.get("CallId") == "A":
            parameters["CallId"] = event["CallDetails"]["Participants"][0]["CallId"]
        return [{"Type": entry["Type"], "Parameters": parameters}, play("never.wav")]

    story = Story({"CALL_ANSWERED": answer}).place().run()
    assert story.told[3:] == [f"ACTION_FAILED:{entry['Type']}"]
    failure = story.events[3]["ActionData"]
    assert (failure["ErrorType"], failure["ErrorMessage"]) == (error, message)
    assert story.heard_a == []
    assert story.b.calls == []
    assert story.exchange.legs_up() == [(story.transaction, "LEG-A")]


@pytest.mark.parametrize("seconds", [1, "1", 120, "120", None])
def test_numbers_may_be_strings_or_null(seconds: object):
    story = Story({"CALL_ANSWERED": [dial(CallTimeoutSeconds=seconds)]}).place().run()
    assert story.b.saw == SHOWN_B


OPTIONAL = [
    play(Repeat=None, PlaybackTerminators=None, CallId=None),
    action("Hangup", SipResponseCode=None, CallId=None, ParticipantTag=None),
    dial(RingbackTone=None, SipHeaders=None, Endpoints=[{**ENDPOINT, "Arn": None}]),
    action("Speak", Text="Hello.", Engine=None, TextType=None),
]


@pytest.mark.parametrize("entry", OPTIONAL, ids=lambda entry: entry["Type"])
def test_a_parameter_that_is_null_counts_as_absent(entry: dict[str, Any]):
    """As serializers write it that leave nothing out."""
    story = Story({"CALL_ANSWERED": [entry]}).place().run()
    assert story.told[3] in (f"ACTION_SUCCESSFUL:{entry['Type']}", "HANGUP:LEG-A")


@pytest.mark.parametrize("call_id", [{}, {"CallId": ""}, {"CallId": None}], ids=str)
@pytest.mark.parametrize("needed", [False, True])
@pytest.mark.parametrize("kind", ["Speak", "SpeakAndGetDigits"])
def test_speech_without_a_call_id_is_a_switch(kind: str, needed: bool, call_id: dict[str, str]):
    parameters = {"Text": "Hello.", **DIGITS, "SpeechParameters": SPEECH, "FailureSpeechParameters": SPEECH}
    story = Story({"CALL_ANSWERED": [action(kind, **parameters, **call_id)]}, speech_needs_call_id=needed)
    story.place().run()
    if needed:
        failure = story.data(f"ACTION_FAILED:{kind}")
        assert (failure["ErrorType"], failure["ErrorMessage"]) == (MISSING, "CallId is a required parameter.")
    assert bool(story.heard_a) is not needed


def test_leg_as_own_number_may_be_shown_to_leg_b():
    """CallerIdNumber may be the From number of LEG-A, here of a number given back meanwhile."""
    story = Story({"CALL_ANSWERED": [dial(CallerIdNumber="+12025550100")]})
    story.place().after(1.0, lambda: story.exchange.account.delete_number("+12025550100")).run()
    assert story.b.saw == "+12025550100"


def test_a_second_leg_b_is_refused_while_the_first_is_up():
    story = Story({"CALL_ANSWERED": [bridge(), bridge(to="+12025550133")]}).place().run()
    assert story.told[3:] == ["ACTION_SUCCESSFUL:CallAndBridge", "ACTION_FAILED:CallAndBridge"]


def test_the_call_id_wins_over_the_tag_and_the_event_s_leg_is_the_default():
    def welcome(event: dict[str, Any]) -> list[dict[str, Any]]:
        leg_b = event["CallDetails"]["Participants"][1]["CallId"]
        return [play("to-b.wav", tag="LEG-A", CallId=leg_b), play("to-a.wav", tag="")]

    story = Story({"CALL_ANSWERED": [bridge()], "ACTION_SUCCESSFUL:CallAndBridge": welcome}).place().run()
    assert (story.heard_a, story.heard_b) == (["to-a.wav"], ["to-b.wav"])
