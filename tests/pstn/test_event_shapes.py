"""The JSON of each event: against shapes written here, and against hand-made samples if they lie beside the project."""

import json
from pathlib import Path
from typing import Any

import pytest

from pstn.events import EVENT_TYPES
from pstn.lines import AudioFile
from pstn.lines.virtual import Behaviour, answers, busy, never_answers
from pstn.recordings import MemoryRecordings
from tests.pstn.scripted import Story, action, bridge, hang_up, hang_up_the_rest, key_of, play

SAMPLES = Path(__file__).parents[3] / "shared" / "reference" / "chime-events"
KEPT = {"SchemaVersion": "1.0", "Actions": [], "TransactionAttributes": {"callbackId": "cb-1"}}
DESTINATION = {"Type": "S3", "Location": "recordings/callbacks"}
SOURCE = {"Type": "S3", "BucketName": "prompts", "Key": "menu.wav"}
ASK = action(
    "PlayAudioAndGetDigits",
    ParticipantTag="LEG-A",
    InputDigitsRegex="^1$",
    AudioSource=SOURCE,
    FailureAudioSource=SOURCE,
    RepeatDurationInMilliseconds=1000,
)
LISTEN = action(
    "ReceiveDigits",
    ParticipantTag="LEG-A",
    InputDigitsRegex="^1$",
    InBetweenDigitsDurationInMilliseconds=500,
    FlushDigitsDurationInMilliseconds=900,
)


def by_call_id(entry: dict[str, Any]) -> Any:
    """The action, with leg A's call id put in."""

    def answer(event: dict[str, Any]) -> list[dict[str, Any]]:
        leg = event["CallDetails"]["Participants"][0]["CallId"]
        return [{"Type": entry["Type"], "Parameters": {**entry["Parameters"], "CallId": leg}}]

    return answer


SPEAK = action("Speak", Text="Hello.")
SPEAK_ASK = action(
    "SpeakAndGetDigits",
    **{k: v for k, v in ASK["Parameters"].items() if "Audio" not in k and k != "ParticipantTag"},
    SpeechParameters={"Text": "One?"},
    FailureSpeechParameters={"Text": "No."},
)
RECORD = action("StartCallRecording", Track="BOTH", Destination=DESTINATION)


def collect() -> list[dict[str, Any]]:
    """Events of every kind, from a handful of calls; the first answer stores attributes."""
    events: list[dict[str, Any]] = []

    def play_out(
        on_answer: Any, *, a: Behaviour | None = None, b: Behaviour | None = None, closed: bool = False, **script: Any
    ) -> None:
        whole = {"NEW_OUTBOUND_CALL": KEPT, "CALL_ANSWERED": on_answer, "HANGUP": hang_up_the_rest, **script}
        story = Story(whole, a=a, b=b, hangup_success="after", audio=_no_missing).place({"callbackId": "cb-1"})
        if closed:
            story.exchange.recordings = Closed()
        story.after(30.0, lambda: _update(story)).run()
        events.extend(story.events)

    polite = answers(after=2.0, stays=60.0)
    play_out([play()], a=polite)
    play_out([play(Repeat=50)], a=polite, CALL_UPDATE_REQUESTED=[play()])
    play_out([play("missing.wav")], a=polite)
    play_out([bridge()], a=polite, b=answers(talks=40.0))
    play_out([bridge()], a=polite, b=busy())
    play_out([bridge(seconds=0)], a=polite)
    play_out([bridge(), hang_up("LEG-B")], a=polite)
    play_out([action("Pause", DurationInMilliseconds=10)], a=polite)
    play_out([ASK], a=answers(stays=60.0, presses="1"))
    play_out([ASK], a=polite)
    play_out(by_call_id(SPEAK), a=polite)
    play_out([action("Speak")], a=polite)
    play_out(by_call_id(SPEAK_ASK), a=polite)
    play_out(by_call_id(SPEAK_ASK), a=answers(stays=60.0, presses="1"))
    play_out([LISTEN], a=answers(stays=60.0, presses="1", press_when="answer"))
    start, stop = by_call_id(RECORD), by_call_id(action("StopCallRecording"))
    pause, resume = by_call_id(action("PauseCallRecording")), by_call_id(action("ResumeCallRecording"))
    steps = {"StartCallRecording": pause, "PauseCallRecording": resume, "ResumeCallRecording": stop}
    play_out(start, a=polite, **{f"ACTION_SUCCESSFUL:{kind}": then for kind, then in steps.items()})
    play_out(stop, a=polite)
    play_out([RECORD], a=polite)
    voicemail = {"Type": "S3", "BucketName": "voicemail"}
    leave_word = action("RecordAudio", RecordingTerminators=["#"], RecordingDestination=voicemail)
    play_out([leave_word], a=answers(stays=60.0, presses="#", press_when="answer"))
    play_out([action("RecordAudio")], a=polite)
    play_out(by_call_id(action("SendDigits", Digits="1")), a=polite)
    play_out(by_call_id(action("SendDigits", Digits="x")), a=polite)
    play_out(by_call_id(action("VoiceFocus", Enable=True)), a=polite)
    play_out(by_call_id(action("VoiceFocus")), a=polite)
    play_out(by_call_id(RECORD), a=polite, closed=True)
    play_out({"SchemaVersion": "2.0"}, a=polite)
    play_out([], a=never_answers())
    return [*events, *Story({"NEW_INBOUND_CALL": [hang_up()]}).called_in().run().events]


class Closed(MemoryRecordings):
    """A bucket out of reach."""

    def accessible(self, bucket: str) -> bool:
        return False


def _no_missing(bucket: str, key: str) -> AudioFile | None:
    return None if key == "missing.wav" else AudioFile(2.0)


def _update(story: Story) -> None:
    if story.exchange.legs_up():
        story.exchange.update_call(story.application, story.transaction, {"command": "x"})


EVENTS = collect()

TOP = ["SchemaVersion", "Sequence", "InvocationEventType"]
DETAILS = [
    "TransactionId",
    "TransactionAttributes",
    "AwsAccountId",
    "AwsRegion",
    "SipMediaApplicationId",
    "Participants",
]
LEG = ["CallId", "ParticipantTag", "To", "From", "Direction", "StartTimeInMilliseconds"]


def of(kind: str) -> list[dict[str, Any]]:
    found = [event for event in EVENTS if event["InvocationEventType"] == kind]
    assert found, f"no {kind} among the events"
    return found


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_the_envelope(kind: str):
    for event in of(kind):
        rest = {"NEW_INBOUND_CALL": [], "RINGING": [], "CALL_ANSWERED": []}.get(kind, ["ActionData"])
        rest = (
            ["CallDetails", "ErrorType", "ErrorMessage"]
            if kind == "INVALID_LAMBDA_RESPONSE"
            else [*rest, "CallDetails"]
        )
        assert list(event) == [*TOP, *rest]
        assert event["SchemaVersion"] == "1.0"
        assert type(event["Sequence"]) is int


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_the_call_and_its_legs(kind: str):
    for event in of(kind):
        details = event["CallDetails"]
        inbound = "SipRuleId" in details
        stored = kind != "NEW_OUTBOUND_CALL" and not inbound
        assert [key for key in details if key != "SipRuleId"] == [
            k for k in DETAILS if stored or k != "TransactionAttributes"
        ]
        for leg in details["Participants"]:
            answered = kind not in ("NEW_OUTBOUND_CALL", "NEW_INBOUND_CALL", "RINGING")
            assert list(leg) == ([*LEG, "Status"] if answered else LEG)
            assert leg["Direction"] == ("Inbound" if inbound else "Outbound")
            assert leg["StartTimeInMilliseconds"].isdigit()


def test_the_data_of_hangup_is_a_number_and_a_leg():
    for event in of("HANGUP"):
        parameters = event["ActionData"]["Parameters"]
        assert list(parameters) == ["SipResponseCode", "CallId", "ParticipantTag"]
        assert type(parameters["SipResponseCode"]) is int


def test_results_echo_their_action():
    for event in EVENTS:
        data = event.get("ActionData", {})
        if event["InvocationEventType"].startswith("ACTION_") and data["Type"] == "CallAndBridge":
            assert data["Parameters"]["CallerIdNumber"] == "+12025550101"
            assert data["Parameters"]["CallId"] == event["CallDetails"]["Participants"][0]["CallId"]


def shape(value: Any) -> Any:
    """Keys and kinds of values, all the way down."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return type(value).__name__


def sample_names() -> list[str]:
    """The samples of events that this lab sends."""
    not_imitated = ("ChimeMeeting", "BotConversation", "sip-headers", "no-arg")
    found = sorted(path.name for path in SAMPLES.glob("event.*.json"))
    return [name for name in found if not any(word in name for word in not_imitated)]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the hand-made samples do not lie beside this project")
@pytest.mark.parametrize("name", sample_names() or ["none"])
def test_a_sample_s_shape_is_one_of_ours(name: str):
    """Compared but for the action's own parameters and the stored attributes, which are the application's."""
    sample = json.loads((SAMPLES / name).read_text())
    wanted = _bare(sample)
    ours = [event for event in EVENTS if key_of(event) == key_of(sample)]
    assert ours, f"no {key_of(sample)} among the events"
    assert wanted in [_bare(event) for event in ours]
    legs = [shape(leg) for event in ours for leg in event["CallDetails"]["Participants"]]
    assert all(shape(leg) in legs for leg in sample["CallDetails"]["Participants"])


def _bare(event: dict[str, Any]) -> dict[str, Any]:
    data = {key: value for key, value in event.get("ActionData", {}).items() if key != "Parameters"}
    details = {**event["CallDetails"], "TransactionAttributes": {}, "Participants": []}
    whole: dict[str, Any] = shape({**event, "ActionData": data, "CallDetails": details})
    return whole
