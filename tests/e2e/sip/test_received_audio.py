"""What each party really heard, and what the recording holds: by the tones in it.

A's phone sounds 600 Hz, B's 900; the waiting prompt is 440, the ringback 360, the notices to A and to B 1400 and 1600.
"""

from functools import partial
from typing import Any

import pytest

from lab.phones.voices import voice
from pstn.lines import AudioFile
from pstn.lines.phone_state import Phone
from pstn.lines.sip.audio import tone, wav_file
from pstn.lines.virtual import answers
from tests.e2e.sip import audio_analysis
from tests.e2e.sip.sip_exchange import SipStory
from tests.pstn.scripted import SHOWN_A, action, bridge, hang_up_the_rest, play

A, B = "+12025550115", "+12025550130"
VOICE_A, VOICE_B = 600, 900
WAITING, RINGBACK, NOTICE_A, NOTICE_B = 440, 360, 1400, 1600
MARK = 1000
PROMPTS = {
    "waiting.wav": AudioFile(1.0, wav_file(tone(WAITING, 1.0))),
    "ringback.wav": AudioFile(0.5, wav_file(tone(RINGBACK, 0.5))),
    "notice-a.wav": AudioFile(1.2, wav_file(tone(NOTICE_A, 1.2))),
    "notice-b.wav": AudioFile(1.2, wav_file(tone(NOTICE_B, 1.2))),
}


def first_leg(event: dict[str, Any]) -> str:
    return str(event["CallDetails"]["Participants"][0]["CallId"])


def record(track: str = "BOTH") -> Any:
    destination = {"Type": "S3", "Location": "recordings"}
    return lambda event: [action("StartCallRecording", CallId=first_leg(event), Track=track, Destination=destination)]


def recorded_callback(track: str = "BOTH", **more: Any) -> dict[str, Any]:
    """R15: bridge, notice to A, notice to B, then the recording."""
    ringback = {"Type": "S3", "BucketName": "prompts", "Key": "ringback.wav"}
    notices = iter([[play("notice-b.wav", "LEG-B")], record(track)])

    def next_step(event: dict[str, Any]) -> Any:
        step: Any = next(notices, [])
        return step(event) if callable(step) else step

    return {
        "CALL_ANSWERED": [play("waiting.wav"), bridge(to=B, RingbackTone=ringback)],
        "ACTION_SUCCESSFUL:CallAndBridge": [play("notice-a.wav")],
        "ACTION_SUCCESSFUL:PlayAudio": next_step,
        "HANGUP": hang_up_the_rest,
        **more,
    }


def played(sip_exchange, script: dict[str, Any], talks: float = 5.0, **switches: Any) -> SipStory:
    story = SipStory(sip_exchange, script, audio=lambda bucket, key: PROMPTS.get(key), **switches)
    exchange = sip_exchange.exchange
    story.a = exchange.phones[A] = Phone(answers(after=0.2))
    story.b = exchange.phones[B] = Phone(answers(after=1.5, talks=talks))
    story.transaction = exchange.create_call(story.application, from_number=SHOWN_A, to_number=A)
    return story.run()


def recording(sip_exchange, story: SipStory) -> list[Any]:
    """Its channels, once its object is there."""
    places = {key: body for key, (body, _) in sip_exchange.recordings.objects.items() if story.transaction in key[1]}
    (body,) = places.values()
    return audio_analysis.channels(body)


def wait_for_recording(sip_exchange, story: SipStory) -> None:
    assert sip_exchange.wait(
        lambda: any(story.transaction in key for _, key in list(sip_exchange.recordings.objects)), 10
    )


@pytest.fixture(scope="module", params=[False, True], ids=["prompts-do-not-mute", "prompts-mute-the-peer"])
def heard(sip_exchange, request):
    story = played(sip_exchange, recorded_callback(), prompt_mutes_peer=request.param)
    wait_for_recording(sip_exchange, story)
    ears = audio_analysis.samples(story.received(story.a)), audio_analysis.samples(story.received(story.b))
    return request.param, story, [audio_analysis.audible(each) for each in ears], recording(sip_exchange, story)


def test_a_heard_waiting_then_ringback_then_the_notice_then_b(heard):
    mutes, _, (a, _), _ = heard
    notice = (NOTICE_A,) if mutes else (VOICE_B, NOTICE_A)
    assert a == [(WAITING,), (RINGBACK,), notice, (VOICE_B,)]


def test_b_heard_a_and_its_own_notice(heard):
    mutes, _, (_, b), _ = heard
    assert b == ([(NOTICE_B,), (VOICE_A,)] if mutes else [(VOICE_A,), (VOICE_A, NOTICE_B), (VOICE_A,)])


def test_the_recording_is_what_came_from_a_and_what_went_to_a(heard):
    """It begins after the second notice: no prompt is in it."""
    _, story, _, (left, right) = heard
    assert audio_analysis.audible(left) == [(VOICE_A,)]
    assert audio_analysis.audible(right) == [(VOICE_B,)]
    assert "ACTION_SUCCESSFUL:StartCallRecording" in story.told


def test_a_prompt_ends_when_its_last_sound_was_heard(heard):
    """The bridge is dialled after the waiting prompt: neither early nor late."""
    _, story, _, _ = heard
    began = story.a.calls[0].heard[0][0]
    dialled = story.b.calls[0].called_at
    assert 0.95 < (dialled - began).total_seconds() < 1.5


@pytest.mark.parametrize(("track", "tone_there"), [("INCOMING", VOICE_A), ("OUTGOING", VOICE_B)])
def test_one_direction_is_one_channel(sip_exchange, track, tone_there):
    story = played(sip_exchange, recorded_callback(track), talks=4.0)
    wait_for_recording(sip_exchange, story)
    (only,) = recording(sip_exchange, story)
    assert audio_analysis.audible(only) == [(tone_there,)]


def test_a_pause_is_marked_and_silent(sip_exchange):
    def asked(event: dict[str, Any]) -> list[dict[str, Any]]:
        do = event["ActionData"]["Parameters"]["Arguments"]["do"]
        return [action(f"{do}CallRecording", CallId=first_leg(event))]

    script = recorded_callback(CALL_UPDATE_REQUESTED=asked)
    story = SipStory(sip_exchange, script, audio=lambda bucket, key: PROMPTS.get(key))
    exchange = sip_exchange.exchange
    story.a, story.b = Phone(answers(after=0.2)), Phone(answers(after=0.2, talks=8.0))
    exchange.phones[A], exchange.phones[B] = story.a, story.b
    story.transaction = exchange.create_call(story.application, from_number=SHOWN_A, to_number=A)
    story.run(lambda: "ACTION_SUCCESSFUL:StartCallRecording" in story.told)
    for seconds, do in ((1.5, "Pause"), (3.5, "Resume")):
        story.after(seconds, partial(exchange.update_call, story.application, story.transaction, {"do": do}))
    story.run()
    wait_for_recording(sip_exchange, story)
    left, _ = recording(sip_exchange, story)
    sections = [each for each in audio_analysis.sequence(left, step=audio_analysis.WINDOW // 4) if MARK not in each]
    assert [each for at, each in enumerate(sections) if at == 0 or sections[at - 1] != each] == [
        (VOICE_A,),
        (),
        (VOICE_A,),
    ]
    windows = [
        MARK in audio_analysis.tones(left[at : at + audio_analysis.WINDOW])
        for at in range(0, len(left) - audio_analysis.WINDOW, 512)
    ]
    begins = [at for at in range(1, len(windows)) if windows[at] and not windows[at - 1]]
    assert len(begins) == 2


@pytest.mark.parametrize(
    ("presses", "seconds", "terminator"), [("", 3.0, None), ("#", 1.5, "#")], ids=["for its duration", "until a key"]
)
def test_a_voicemail_is_what_the_party_said(sip_exchange, presses, seconds, terminator):
    """Also beside a recording of the call; it is not silence, and its object is there with the result."""
    voicemail = {"Type": "S3", "BucketName": "voicemail"}
    leave_word = action(
        "RecordAudio",
        DurationInSeconds=3,
        SilenceDurationInSeconds=1,
        RecordingTerminators=["#"],
        RecordingDestination=voicemail,
    )
    script = {
        "CALL_ANSWERED": record(),
        "ACTION_SUCCESSFUL:StartCallRecording": [leave_word],
        "ACTION_SUCCESSFUL:RecordAudio": [action("Hangup")],
    }
    caller = answers(after=0.2, presses=presses, press_when="answer", press_after=2.0)
    story = SipStory(sip_exchange, script, a=caller).place().run()
    told = story.data("ACTION_SUCCESSFUL:RecordAudio")
    assert told.get("RecordingTerminatorUsed") == terminator
    body, _ = sip_exchange.recordings.objects["voicemail", told["RecordingDestination"]["Key"]]
    (only,) = audio_analysis.channels(body)
    assert audio_analysis.audible(only)[0] == (voice(story.a.number),)
    assert len(only) / 8000 == pytest.approx(seconds, abs=0.8)


def test_speech_is_sound(sip_exchange):
    def say(event: dict[str, Any]) -> list[dict[str, Any]]:
        return [action("Speak", CallId=first_leg(event), Text="This call will be recorded."), action("Hangup")]

    story = SipStory(sip_exchange, {"CALL_ANSWERED": say}).place().run()
    sound = audio_analysis.samples(story.received(story.a))
    loud = sum(max(abs(each) for each in sound[at : at + 160]) > 1000 for at in range(0, len(sound) - 160, 160))
    assert loud > 20, "half a second of it at least is loud"
