"""Digits: asked for, and listened for."""

from typing import Any

import pytest

from pstn.lines.virtual import Behaviour, answers
from tests.pstn.scripted import Story, action, bridge, play


def source(key: str) -> dict[str, str]:
    return {"Type": "S3", "BucketName": "prompts", "Key": key}


def ask(**changes: Any) -> dict[str, Any]:
    """Press 1, at most three times, 8 s each."""
    wanted: dict[str, Any] = {
        "ParticipantTag": "LEG-A",
        "InputDigitsRegex": "^1$",
        "AudioSource": source("press-1.wav"),
        "FailureAudioSource": source("try-again.wav"),
        "MaxNumberOfDigits": 1,
        "Repeat": 3,
        "RepeatDurationInMilliseconds": 8000,
        "InBetweenDigitsDurationInMilliseconds": 1000,
    }
    return action("PlayAudioAndGetDigits", **{**wanted, **changes})


def presses(digits: str, **more: Any) -> Behaviour:
    return answers(after=3.0, presses=digits, **more)


def test_the_right_digit():
    story = Story({"CALL_ANSWERED": [ask()]}, a=presses("1")).place().run()
    assert story.told[3:] == ["ACTION_SUCCESSFUL:PlayAudioAndGetDigits"]
    assert story.data("ACTION_SUCCESSFUL:PlayAudioAndGetDigits")["ReceivedDigits"] == "1"
    assert story.heard_a == ["press-1.wav"]


@pytest.mark.parametrize("digits", ["7", ""], ids=["the wrong digit", "none at all"])
def test_each_failed_attempt_is_answered_with_the_failure_prompt(digits: str):
    story = Story({"CALL_ANSWERED": [ask()]}, a=presses(digits)).place().run()
    failure = story.data("ACTION_FAILED:PlayAudioAndGetDigits")
    assert (failure["ErrorType"], failure["ReceivedDigits"]) == ("InvalidDigitsReceived", digits)
    assert story.heard_a == ["press-1.wav", "try-again.wav"] * 3


@pytest.mark.parametrize(
    ("digits", "changes", "received"),
    [
        ("42#", {"InputDigitsRegex": r"^\d+$", "MaxNumberOfDigits": 9}, "42"),
        ("42*9", {"InputDigitsRegex": r"^\d+$", "MaxNumberOfDigits": 9, "TerminatorDigits": ["*"]}, "42"),
        ("4242", {"InputDigitsRegex": r"^\d{2}$", "MaxNumberOfDigits": 2}, "42"),
        ("423", {"InputDigitsRegex": r"^\d{3}$", "MaxNumberOfDigits": 9}, "423"),
        ("42", {"InputDigitsRegex": None, "MaxNumberOfDigits": 2}, "42"),
        ("*#", {"InputDigitsRegex": "", "MaxNumberOfDigits": 9}, "*"),
    ],
)
def test_where_the_digits_end(digits: str, changes: dict[str, Any], received: str):
    """At a terminator, at the largest number, or at a pause. A pattern is optional."""
    story = Story({"CALL_ANSWERED": [ask(**changes)]}, a=presses(digits)).place().run()
    assert story.data("ACTION_SUCCESSFUL:PlayAudioAndGetDigits")["ReceivedDigits"] == received


def test_asking_by_speech_is_told_in_the_middle_of_a_list():
    speech = {"SpeechParameters": {"Text": "Press one."}, "FailureSpeechParameters": {"Text": "Again."}}
    asked = action("SpeakAndGetDigits", **{**ask()["Parameters"], **speech})
    story = Story({"CALL_ANSWERED": [asked, bridge()]}, a=presses("1")).place().run()
    assert story.told[3:] == ["ACTION_SUCCESSFUL:SpeakAndGetDigits", "ACTION_SUCCESSFUL:CallAndBridge"]
    assert story.heard_a == ["Press one."]


@pytest.mark.parametrize(
    ("parameters", "seconds"),
    [({}, [0.0, 0.35, 1.2, 1.55]), ({"ToneDurationInMilliseconds": "1000"}, [0.0, 1.1, 2.7, 3.8])],
)
def test_digits_sent_to_a_party_arrive_one_by_one(parameters: dict[str, Any], seconds: list[float]):
    """Each with its tone and a gap; a comma is half a second."""

    def send(event: dict[str, Any]) -> list[dict[str, Any]]:
        leg_b = event["CallDetails"]["Participants"][1]["CallId"]
        return [action("SendDigits", CallId=leg_b, Digits="1*,A#", **parameters), play("sent.wav")]

    story = Story({"CALL_ANSWERED": [bridge()], "ACTION_SUCCESSFUL:CallAndBridge": send}).place().run()
    received = story.b.calls[0].received
    assert "".join(digit for _, digit in received) == "1*A#"
    assert [(at - received[0][0]).total_seconds() for at, _ in received] == pytest.approx(seconds)
    assert story.heard_a == ["sent.wav"]
    assert story.told[4:] == ["ACTION_SUCCESSFUL:PlayAudio"]
    assert [what for _, what, _ in story.b.log].count("received") == 4


def test_no_digit_is_sent_to_a_party_that_has_left():
    def send(event: dict[str, Any]) -> list[dict[str, Any]]:
        leg_b = event["CallDetails"]["Participants"][1]["CallId"]
        return [action("SendDigits", CallId=leg_b, Digits="1" * 50)]

    story = Story({"CALL_ANSWERED": [bridge()], "ACTION_SUCCESSFUL:CallAndBridge": send}, b=answers(talks=2.0))
    story.place().run()
    assert len(story.b.calls[0].received) == 6
    assert story.told[4:] == ["HANGUP:LEG-B"]


@pytest.mark.parametrize("enable", [True, False])
def test_voice_focus_succeeds(enable: bool):
    focus = action("VoiceFocus", ParticipantTag="LEG-A", Enable=enable)
    story = Story({"CALL_ANSWERED": [focus, play()], "ACTION_SUCCESSFUL:PlayAudio": [focus]}).place().run()
    assert story.told[3:] == ["ACTION_SUCCESSFUL:PlayAudio", "ACTION_SUCCESSFUL:VoiceFocus"]


LISTEN = action(
    "ReceiveDigits",
    ParticipantTag="LEG-A",
    InputDigitsRegex=r"^\*\d$",
    InBetweenDigitsDurationInMilliseconds=1000,
    FlushDigitsDurationInMilliseconds=10_000,
)


def test_listening_goes_on_during_a_bridge():
    story = Story({"CALL_ANSWERED": [LISTEN, bridge()]}, a=presses("*5", press_when="join", press_after=4.0))
    story.place().run()
    assert story.told[3:] == ["ACTION_SUCCESSFUL:CallAndBridge", "DIGITS_RECEIVED"]
    received = story.data("DIGITS_RECEIVED")
    assert received["ReceivedDigits"] == "*5"
    assert received["Type"] == "ReceiveDigits"


def test_arming_alone_succeeds_at_once():
    story = Story({"CALL_ANSWERED": [LISTEN]}).place().run()
    assert story.data("ACTION_SUCCESSFUL:ReceiveDigits")["ReceivedDigits"] == ""


def test_digits_that_do_not_match_are_thrown_away():
    story = Story({"CALL_ANSWERED": [LISTEN]}, a=presses("55", press_when="answer")).place().run()
    assert "DIGITS_RECEIVED" not in story.told


def test_digits_nobody_listens_for_are_thrown_away():
    story = Story({"CALL_ANSWERED": [bridge()]}, a=presses("*5", press_when="join")).place().run()
    assert story.told[3:] == ["ACTION_SUCCESSFUL:CallAndBridge"]


@pytest.mark.parametrize("one_shot", [True, False])
def test_a_listener_ends_with_its_match_or_not(one_shot: bool):
    """*5, a pause, *6: the second is heard only by a listener that goes on."""
    story = Story({"CALL_ANSWERED": [LISTEN]}, a=presses("*5", press_when="answer"), receive_digits_one_shot=one_shot)
    story.after(20.0, lambda: story.exchange.line.press(story.a.number, "*6")).place().run()
    received = [event["ActionData"]["ReceivedDigits"] for event in story.events if "DIGITS" in str(event)]
    assert [each for each in received if each] == (["*5"] if one_shot else ["*5", "*6"])


def test_actions_in_the_answer_to_digits_run():
    script = {"CALL_ANSWERED": [LISTEN], "DIGITS_RECEIVED": [bridge()]}
    story = Story(script, a=presses("*5", press_when="answer")).place().run()
    assert story.told[-1] == "ACTION_SUCCESSFUL:CallAndBridge"
