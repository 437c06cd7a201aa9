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
from tests.e2e.sip.audio_analysis import Heard
from tests.e2e.sip.sip_exchange import SipStory
from tests.pstn.scripted import SHOWN_A, action, bridge, hang_up_the_rest, play

A, B = "+12025550115", "+12025550130"
VOICE_A, VOICE_B = 600, 900
WAITING, RINGBACK, NOTICE_A, NOTICE_B = 440, 360, 1400, 1600
MARK = 1000
WAITING_S = 2.5
PROMPTS = {
    "waiting.wav": AudioFile(WAITING_S, wav_file(tone(WAITING, WAITING_S))),
    "ringback.wav": AudioFile(0.5, wav_file(tone(RINGBACK, 0.5))),
    "notice-a.wav": AudioFile(2.4, wav_file(tone(NOTICE_A, 2.4))),
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


def run_to(story: SipStory, event: str) -> None:
    story.run(lambda: event in story.told)


def played(sip_exchange, script: dict[str, Any], **switches: Any) -> SipStory:
    """B hangs up when the recording has gone on for 1.5 s."""
    story = SipStory(sip_exchange, script, audio=lambda bucket, key: PROMPTS.get(key), **switches)
    exchange = sip_exchange.exchange
    story.a = exchange.phones[A] = Phone(answers(after=0.2))
    story.b = exchange.phones[B] = Phone(answers(after=1.5))
    story.transaction = exchange.create_call(story.application, from_number=SHOWN_A, to_number=A)
    run_to(story, "ACTION_SUCCESSFUL:StartCallRecording")
    story.after(1.5, partial(sip_exchange.line.hang_up_by_hand, B))
    return story.run()


def recording(sip_exchange, story: SipStory) -> list[Any]:
    """Its channels, once its object is there."""
    places = {key: body for key, (body, _) in sip_exchange.recordings.objects.items() if story.transaction in key[1]}
    (body,) = places.values()
    return audio_analysis.channels(body)


def wait_for_recording(sip_exchange, story: SipStory) -> None:
    assert sip_exchange.wait(lambda: any(story.transaction in key for _, key in list(sip_exchange.recordings.objects)))


@pytest.fixture(scope="module", params=[False, True], ids=["prompts-do-not-mute", "prompts-mute-the-peer"])
def heard(sip_exchange, request):
    story = played(sip_exchange, recorded_callback(), prompt_mutes_peer=request.param)
    wait_for_recording(sip_exchange, story)
    ears = [Heard.of(audio_analysis.samples(story.received(phone))) for phone in (story.a, story.b)]
    return request.param, story, ears, recording(sip_exchange, story)


def test_a_heard_waiting_then_ringback_then_the_notice_then_b(heard):
    mutes, _, (a, _), _ = heard
    assert a.order()[:2] == [WAITING, RINGBACK]
    assert set(a.order()[2:]) == {NOTICE_A, VOICE_B}
    assert a.beside(WAITING) == a.beside(RINGBACK) == set()
    assert a.beside(NOTICE_A) == (set() if mutes else {VOICE_B})
    assert a.after(NOTICE_A).order() == [VOICE_B]


def test_b_heard_a_and_its_own_notice(heard):
    mutes, _, (_, b), _ = heard
    assert set(b.order()) == {NOTICE_B, VOICE_A}
    assert (b.before(NOTICE_B).seconds(VOICE_A) > 1.2) is not mutes, "A's notice has 2.4 s"
    assert b.beside(NOTICE_B) == (set() if mutes else {VOICE_A})
    assert b.after(NOTICE_B).order() == [VOICE_A]


def test_the_recording_is_what_came_from_a_and_what_went_to_a(heard):
    """It begins after the second notice: no prompt is in it."""
    _, story, _, (left, right) = heard
    assert [Heard.of(each).order() for each in (left, right)] == [[VOICE_A], [VOICE_B]]
    assert "ACTION_SUCCESSFUL:StartCallRecording" in story.told


def test_a_prompt_ends_when_its_last_sound_was_heard(heard):
    """The bridge is dialled after the waiting prompt, not after twice as long."""
    _, story, _, _ = heard
    began = story.a.calls[0].heard[0][0]
    dialled = story.b.calls[0].called_at
    assert WAITING_S - 0.05 < (dialled - began).total_seconds() < 2 * WAITING_S


@pytest.mark.parametrize(("track", "tone_there"), [("INCOMING", VOICE_A), ("OUTGOING", VOICE_B)])
def test_one_direction_is_one_channel(sip_exchange, track, tone_there):
    story = played(sip_exchange, recorded_callback(track))
    wait_for_recording(sip_exchange, story)
    (only,) = recording(sip_exchange, story)
    assert Heard.of(only).order() == [tone_there]


def test_a_pause_is_marked_and_silent(sip_exchange):
    def asked(event: dict[str, Any]) -> list[dict[str, Any]]:
        do = event["ActionData"]["Parameters"]["Arguments"]["do"]
        return [action(f"{do}CallRecording", CallId=first_leg(event))]

    script = recorded_callback(CALL_UPDATE_REQUESTED=asked)
    story = SipStory(sip_exchange, script, audio=lambda bucket, key: PROMPTS.get(key))
    exchange = sip_exchange.exchange
    story.a, story.b = Phone(answers(after=0.2)), Phone(answers(after=0.2))
    exchange.phones[A], exchange.phones[B] = story.a, story.b
    story.transaction = exchange.create_call(story.application, from_number=SHOWN_A, to_number=A)
    run_to(story, "ACTION_SUCCESSFUL:StartCallRecording")
    for seconds, do in ((1.5, "Pause"), (2.5, "Resume")):
        story.after(seconds, partial(exchange.update_call, story.application, story.transaction, {"do": do}))
        run_to(story, f"ACTION_SUCCESSFUL:{do}CallRecording")
    story.after(1.5, partial(sip_exchange.line.hang_up_by_hand, B))
    story.run()
    wait_for_recording(sip_exchange, story)
    left, _ = recording(sip_exchange, story)
    step = 512
    windows = audio_analysis.windows(left, step)
    marked = [at for at in range(1, len(windows)) if MARK in windows[at] and MARK not in windows[at - 1]]
    assert len(marked) == 2
    parts = windows[: marked[0]], windows[marked[0] : marked[1]], windows[marked[1] :]
    voiced = [sum(VOICE_A in each for each in part) * step / audio_analysis.RATE for part in parts]
    silent = sum(not each for each in parts[1]) * step / audio_analysis.RATE
    assert voiced[0] > 0.5
    assert voiced[2] > 0.5
    assert silent > 1.2 > 0.6 > voiced[1], "of 2.5 s, with the mark's own windows"


@pytest.mark.parametrize(
    ("presses", "longest", "least", "terminator"),
    [("", 3, 2.0, None), ("#", 15, 0.5, "#")],
    ids=["for its duration", "until a key"],
)
def test_a_voicemail_is_what_the_party_said(sip_exchange, presses, longest, least, terminator):
    """Also beside a recording of the call; it is not silence, and its object is there with the result."""
    voicemail = {"Type": "S3", "BucketName": "voicemail"}
    leave_word = action(
        "RecordAudio",
        DurationInSeconds=longest,
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
    assert Heard.of(only).order()[:1] == [voice(story.a.number)]
    assert least < len(only) / audio_analysis.RATE < longest + 1


def test_speech_is_sound(sip_exchange):
    def say(event: dict[str, Any]) -> list[dict[str, Any]]:
        return [action("Speak", CallId=first_leg(event), Text="This call will be recorded."), action("Hangup")]

    story = SipStory(sip_exchange, {"CALL_ANSWERED": say}).place().run()
    sound = audio_analysis.samples(story.received(story.a))
    loud = sum(max(abs(each) for each in sound[at : at + 160]) > 1000 for at in range(0, len(sound) - 160, 160))
    assert loud > 20, "half a second of it at least is loud"
