"""Call recordings: the place told at the start, the object that comes later."""

import io
import wave
from typing import Any, BinaryIO

import pytest

from pstn.exchange import Exchange
from pstn.lines.virtual import answers
from pstn.recordings import MemoryRecordings, wav_seconds
from tests.pstn.scripted import Story, action, bridge, hang_up_the_rest, play


def of_a(kind: str, **parameters: Any) -> Any:
    def answer(event: dict[str, Any]) -> list[dict[str, Any]]:
        leg = event["CallDetails"]["Participants"][0]["CallId"]
        return [action(each, CallId=leg, **parameters) for each in kind.split()]

    return answer


def start(track: str = "BOTH", location: str = "recordings/callbacks") -> Any:
    return of_a("StartCallRecording", Track=track, Destination={"Type": "S3", "Location": location})


SCRIPT = {
    "CALL_ANSWERED": [bridge()],
    "ACTION_SUCCESSFUL:CallAndBridge": start(),
    "HANGUP": hang_up_the_rest,
}


def objects(exchange: Exchange) -> dict[tuple[str, str], tuple[bytes, dict[str, str]]]:
    assert isinstance(exchange.recordings, MemoryRecordings)
    return exchange.recordings.objects


def test_a_talk_is_recorded():
    story = Story(SCRIPT, b=answers(after=2.0, talks=10.0)).place().run()
    told = story.data("ACTION_SUCCESSFUL:StartCallRecording")["CallRecordingDestination"]
    (((bucket, key), (body, metadata)),) = objects(story.exchange).items()
    assert told == {"Type": "S3", "Location": f"{bucket}/{key}"}
    leg = story.events[-1]["CallDetails"]["Participants"][0]["CallId"]
    assert key == f"callbacks/2026/11/23/2026-11-23-09-00-00-000_{story.transaction}_{leg}.wav"
    assert metadata["transaction-id"] == story.transaction
    assert metadata["recording-duration"] == "10"
    assert wav_seconds(body) == pytest.approx(10.0, abs=0.1)
    with wave.open(io.BytesIO(body)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)


def test_the_default_prefix_and_one_track():
    story = Story({**SCRIPT, "ACTION_SUCCESSFUL:CallAndBridge": start("INCOMING", "recordings")}, b=answers(talks=2.0))
    story.place().run()
    (((bucket, key), (body, _)),) = objects(story.exchange).items()
    assert bucket == "recordings"
    assert key.startswith("Amazon-Chime-SMA-Call-Recordings/2026/11/23/")
    with wave.open(io.BytesIO(body)) as file:
        assert file.getnchannels() == 1


def test_the_object_comes_after_the_end():
    """`recording_delay` after the recording closes."""
    story = Story(SCRIPT, b=answers(after=2.0, talks=10.0), recording_delay=30.0).place()
    story.exchange.run_until(lambda: story.exchange.calls[story.transaction].call.over)
    ended = story.clock.now()
    assert (objects(story.exchange), story.exchange.recordings_unstored()) == ({}, 1)
    story.exchange.run_until(lambda: bool(objects(story.exchange)))
    assert (story.clock.now() - ended).total_seconds() == 30
    story.run()
    assert story.exchange.recordings_unstored() == 0


def test_a_stopped_recording_cannot_be_started_again():
    script = {
        **SCRIPT,
        "ACTION_SUCCESSFUL:StartCallRecording": of_a("StopCallRecording"),
        "ACTION_SUCCESSFUL:StopCallRecording": start(),
    }
    story = Story(script, b=answers(talks=5.0)).place().run()
    assert story.told[4:7] == [
        "ACTION_SUCCESSFUL:StartCallRecording",
        "ACTION_SUCCESSFUL:StopCallRecording",
        "ACTION_FAILED:StartCallRecording",
    ]
    assert len(objects(story.exchange)) == 1


def test_starting_twice_is_refused():
    story = Story({**SCRIPT, "ACTION_SUCCESSFUL:StartCallRecording": start()}, b=answers(talks=5.0)).place().run()
    assert story.told[4:6] == ["ACTION_SUCCESSFUL:StartCallRecording", "ACTION_FAILED:StartCallRecording"]


def test_pauses_are_silence_and_count():
    script = {
        **SCRIPT,
        "ACTION_SUCCESSFUL:StartCallRecording": of_a("PauseCallRecording"),
        "CALL_UPDATE_REQUESTED": of_a("ResumeCallRecording"),
    }
    story = Story(script, b=answers(talks=10.0), lambda_latency=0.0).place()
    story.after(9.0, lambda: story.update(command="resume")).run()
    ((body, _),) = objects(story.exchange).values()
    with wave.open(io.BytesIO(body)) as file:
        frames = file.readframes(file.getnframes())
    second = 8000 * 4
    assert set(frames[: 1 * second]) == {0}
    assert set(frames[-1 * second :]) != {0}
    assert wav_seconds(body) == pytest.approx(10.0, abs=0.1)


class Closed(MemoryRecordings):
    def accessible(self, bucket: str) -> bool:
        return False


@pytest.mark.parametrize("why", ["no bucket", "s3:PutObject", "s3:PutObjectAcl"])
def test_a_bucket_out_of_reach_has_an_error_of_its_own_form(why: str):
    """It does not exist, or its policy does not allow one of the two actions."""
    story = Story(SCRIPT, b=answers(talks=2.0))
    if why == "no bucket":
        story.exchange.recordings = Closed()
    story.exchange.access = lambda action, bucket, key, application: action != why
    story.place().run()
    failure = story.data("ACTION_FAILED:StartCallRecording")
    assert failure["Error"] == "NoAccessToDestination: Error while accessing destination"
    assert "ErrorType" not in failure
    assert objects(story.exchange) == {}


def test_the_network_asks_for_the_objects_that_it_uses_on_behalf_of_its_application():
    asked: list[tuple[str, ...]] = []
    tone = {"Type": "S3", "BucketName": "prompts", "Key": "tone.wav"}
    story = Story({**SCRIPT, "CALL_ANSWERED": [play("hello.wav"), bridge(RingbackTone=tone)]}, b=answers(talks=2.0))

    def asks(*what: str) -> bool:
        asked.append(what)
        return True

    story.exchange.access = asks
    story.place().run()
    ((bucket, key),) = objects(story.exchange)
    arn = story.exchange.account.applications[story.application]["SipMediaApplicationArn"]
    assert set(asked) == {
        ("s3:GetObject", "prompts", "hello.wav", arn),
        ("s3:GetObject", "prompts", "tone.wav", arn),
        ("s3:PutObject", bucket, key, arn),
        ("s3:PutObjectAcl", bucket, key, arn),
    }


def test_a_dropped_call_still_leaves_its_recording():
    def broken(event: dict[str, Any]) -> Any:
        raise RuntimeError("boom")

    story = Story({**SCRIPT, "ACTION_SUCCESSFUL:StartCallRecording": broken}).place().run()
    assert len(objects(story.exchange)) == 1


VOICEMAIL = {"Type": "S3", "BucketName": "voicemail", "Prefix": "vm/4711"}


def leave_word(**limits: Any) -> dict[str, Any]:
    return action("RecordAudio", ParticipantTag="LEG-A", RecordingDestination=VOICEMAIL, **limits)


@pytest.mark.parametrize(
    ("limits", "caller", "seconds", "terminator"),
    [
        ({"DurationInSeconds": "6"}, answers(), 6.0, None),
        ({"RecordingTerminators": ["#"]}, answers(presses="12#", press_when="answer", press_after=3.0), 3.6, "#"),
        ({"SilenceDurationInSeconds": 2}, answers(speaks=5.0), 7.0, None),
        ({"SilenceDurationInSeconds": 2, "DurationInSeconds": 4}, answers(speaks=5.0), 4.0, None),
    ],
    ids=["its duration", "a terminator", "silence", "whichever is first"],
)
def test_what_ends_a_voicemail(limits: dict[str, Any], caller: Any, seconds: float, terminator: str | None):
    """Its object is there before the result is told, which names it; the list waits for the answer."""
    there: list[bool] = []
    story = Story({}, a=caller, lambda_latency=0.0)

    def told(event: dict[str, Any]) -> list[dict[str, Any]]:
        place = event["ActionData"]["RecordingDestination"]
        there.append((place["BucketName"], place["Key"]) in objects(story.exchange))
        return []

    story.script = {"CALL_ANSWERED": [leave_word(**limits), play("thanks.wav")], "ACTION_SUCCESSFUL:RecordAudio": told}
    story.place().run()
    assert story.told[3:] == ["ACTION_SUCCESSFUL:RecordAudio", "ACTION_SUCCESSFUL:PlayAudio"]
    (((bucket, key), (body, metadata)),) = objects(story.exchange).items()
    assert there == [True]
    data = story.data("ACTION_SUCCESSFUL:RecordAudio")
    assert data["RecordingDestination"] == {"Type": "S3", "BucketName": bucket, "Key": key}
    assert data.get("RecordingTerminatorUsed") == terminator
    assert (bucket, key[:18]) == ("voicemail", "vm/4711/2026/11/23")
    assert wav_seconds(body) == pytest.approx(seconds, abs=0.2)
    assert metadata["transaction-id"] == story.transaction


def test_a_voicemail_may_be_left_again_and_beside_a_call_recording():
    script = {
        "CALL_ANSWERED": start(),
        "ACTION_SUCCESSFUL:StartCallRecording": [leave_word(DurationInSeconds=1), leave_word(DurationInSeconds=2)],
        "ACTION_SUCCESSFUL:PlayAudio": [],
    }
    story = Story(script, a=answers(stays=10.0)).place().run()
    assert story.told.count("ACTION_SUCCESSFUL:RecordAudio") == 2
    buckets = sorted(bucket for bucket, _ in objects(story.exchange))
    assert buckets == ["recordings", "voicemail", "voicemail"]


@pytest.mark.parametrize("cut", ["unreported", "succeed"])
def test_a_caller_who_hangs_up_has_left_a_voicemail(cut: str):
    story = Story({"CALL_ANSWERED": [leave_word()]}, a=answers(stays=5.0), cut_actions=cut).place().run()
    ((place, (body, _)),) = objects(story.exchange).items()
    assert wav_seconds(body) == pytest.approx(5.0, abs=0.2)
    assert story.told[-1] == "HANGUP:LEG-A"
    if cut == "succeed":
        named = story.data("ACTION_SUCCESSFUL:RecordAudio")["RecordingDestination"]
        assert (named["BucketName"], named["Key"]) == place


def test_an_update_interrupts_a_voicemail_and_keeps_it():
    script = {"CALL_ANSWERED": [leave_word()], "CALL_UPDATE_REQUESTED": [play("goodbye.wav")]}
    story = Story(script).place()
    story.after(10.0, lambda: story.update(command="x")).run()
    assert story.told[4:] == ["ACTION_INTERRUPTED:RecordAudio", "ACTION_SUCCESSFUL:PlayAudio"]
    assert len(objects(story.exchange)) == 1


@pytest.mark.parametrize("why", ["the policy", "the store"])
def test_a_voicemail_that_cannot_be_stored(why: str):
    class Full(MemoryRecordings):
        def put(self, bucket: str, key: str, body: BinaryIO, metadata: dict[str, str]) -> None:
            raise OSError(bucket)

    story = Story({"CALL_ANSWERED": [leave_word(DurationInSeconds=1)]})
    if why == "the store":
        story.exchange.recordings = Full()
    else:
        story.exchange.access = lambda action, bucket, key, application: action != "s3:PutObject"
    story.place().run()
    failure = story.data("ACTION_FAILED:RecordAudio")
    assert failure["ErrorType"] == "InvalidActionParameter"
    assert failure["ErrorMessage"] == "Error occurred while uploading recording to S3 bucket."
    assert story.exchange.recordings_unstored() == 0


def test_what_is_no_wav_file():
    assert wav_seconds(b"RIFF") is None
    assert wav_seconds(b"") is None
