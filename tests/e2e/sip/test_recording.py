"""A recorded callback of the whole platform: the audio that both received, and the audio in the recordings."""

import audioop
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lab.cases.catalogue import LAB
from lab.cases.play import Pair
from lab.lab import AUDIO
from lab.phones.voices import voice
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone, PhoneCall
from pstn.recordings import wav_seconds
from tests.e2e.sip import audio_analysis

MUTES, DOES_NOT, UNWANTED, NO_NOTICE = PAIRS = [
    Pair(f"+120255501{at}", f"+120255501{at + 15}") for at in (61, 62, 63, 64)
]
"""Voices of 1520 Hz and more, which speech has little of."""
NOTICE = "recording-notice"
RINGING_TONE = (440, 480)
NOTICE_LASTS = timedelta(seconds=wav_seconds((AUDIO / f"{NOTICE}.wav").read_bytes()) or 0)
EDGE = timedelta(seconds=0.4)
LONGEST_S = 90.0


@dataclass
class Heard:
    """One call when it was over."""

    pair: Pair
    a: PhoneCall
    b: PhoneCall
    cdr: dict[str, Any]
    lab: Any

    def tones(self, call: PhoneCall, since: datetime, until: datetime, share: float = 0.2) -> list[tuple[int, ...]]:
        """Of each window that this phone heard between two moments."""
        sound = self.lab.pstn.exchange.line.heard_by(call)
        stretch = audio_analysis.stretch(sound, call.called_at, since + EDGE, until - EDGE)
        return audio_analysis.windows(stretch, audio_analysis.WINDOW // 4, share)  # overlapping: a notice is short

    def speech(self, call: PhoneCall, since: datetime, until: datetime, beside: int) -> bool:
        """Sound far from the other's tone, which is louder; a gap in that tone makes some only near it."""
        heard = self.tones(call, since, until, share=0.02)
        return sum(any(abs(tone - beside) > 200 for tone in each) for each in heard) > 0.3 * len(heard)

    def began(self, call: PhoneCall, name: str) -> datetime:
        return next(at for at, what in call.heard if name in what)

    @property
    def voices(self) -> tuple[int, int]:
        return int(voice(self.pair.caller)), int(voice(self.pair.callee))


def mostly(windows: list[tuple[int, ...]], tone: int) -> bool:
    """A tone is there, alone or beside other sound."""
    return len(windows) > 3 and sum(tone in each for each in windows) > 0.7 * len(windows)


def seldom(windows: list[tuple[int, ...]], tone: int) -> bool:
    return len(windows) > 3 and sum(tone in each for each in windows) < 0.3 * len(windows)


@pytest.fixture(scope="module")
def recorder(new_sp):
    return new_sp("recorder", "--recording")


def place(lab, sp, pair: Pair, talks: float, **wanted: str) -> str:
    phones = lab.pstn.exchange.phones
    phones[pair.caller], phones[pair.callee] = Phone(answers(0.5)), Phone(answers(2.5, talks=talks))
    reply = sp.place(pair.caller, pair.callee, **wanted)
    assert reply.code == "0", reply.body
    session = str(reply.body["sessionId"])
    assert sp.receiver.wait_for(session, "alerting", LONGEST_S, pair.caller), "it keeps the switches of its dial"
    return session


def over(lab, sp, pair: Pair, session: str) -> Heard:
    assert sp.receiver.wait_for_fee(session, LONGEST_S)
    [fee] = [
        notification.body["feeLst"][0] for notification in sp.receiver.about(session) if notification.kind == "fee"
    ]
    [a], [b] = (lab.pstn.exchange.phones[number].calls for number in (pair.caller, pair.callee))
    return Heard(pair, a, b, dict(fee), lab)


@pytest.fixture(scope="module")
def calls(lab, case_player, recorder):
    """Four callbacks: recorded with either position of the switch, not asked to be recorded, and without a notice."""
    case_player.wait()
    sessions = {}
    for pair, mutes in ((MUTES, True), (DOES_NOT, False)):
        lab.pstn.exchange.switches = replace(LAB, prompt_mutes_peer=mutes)
        sessions[pair] = place(lab, recorder, pair, talks=15.0, recordFlag="true")
    sessions[UNWANTED] = place(lab, recorder, UNWANTED, talks=3.0)
    done = {pair: over(lab, recorder, pair, session) for pair, session in sessions.items()}
    s3, where = lab.client("s3"), {"Bucket": lab.outputs["PromptsBucket"], "Key": f"prompts/{NOTICE}.wav"}
    notice = s3.get_object(**where)["Body"].read()
    s3.delete_object(**where)
    try:
        session = place(lab, recorder, NO_NOTICE, talks=3.0, recordFlag="true")
        done[NO_NOTICE] = over(lab, recorder, NO_NOTICE, session)
    finally:
        s3.put_object(**where, Body=notice, ContentType="audio/wav")
    return done


@pytest.fixture(params=[MUTES, DOES_NOT], ids=["prompts-mute-the-peer", "prompts-do-not-mute"])
def heard(request, calls) -> Heard:
    found: Heard = calls[request.param]
    return found


def test_the_caller_heard_waiting_then_the_notice_then_the_callee(heard):
    mutes, (_, voice_b) = heard.pair == MUTES, heard.voices
    [(_, joined, left)] = heard.a.joined
    waiting = heard.tones(heard.a, heard.began(heard.a, "waiting"), joined)
    assert RINGING_TONE in waiting
    to_a, to_b = (heard.began(call, NOTICE) for call in (heard.a, heard.b))
    assert joined <= to_a < to_b
    during = heard.tones(heard.a, to_a, to_b)
    assert heard.speech(heard.a, to_a, to_b, beside=voice_b)
    assert (seldom if mutes else mostly)(during, voice_b)
    while_b = heard.tones(heard.a, to_b, to_b + NOTICE_LASTS)
    assert (seldom if mutes else mostly)(while_b, voice_b)
    assert not heard.speech(heard.a, to_b + EDGE, to_b + NOTICE_LASTS, beside=voice_b)
    assert mostly(heard.tones(heard.a, to_b + NOTICE_LASTS, left), voice_b)


def test_the_callee_heard_the_notice_and_the_caller(heard):
    mutes, (voice_a, _) = heard.pair == MUTES, heard.voices
    [(_, _, left)] = heard.b.joined
    to_a, to_b = (heard.began(call, NOTICE) for call in (heard.a, heard.b))
    while_a = heard.tones(heard.b, to_a, to_b)
    assert (seldom if mutes else mostly)(while_a, voice_a)
    assert not heard.speech(heard.b, to_a, to_b, beside=voice_a)
    during = heard.tones(heard.b, to_b, to_b + NOTICE_LASTS)
    assert heard.speech(heard.b, to_b, to_b + NOTICE_LASTS, beside=voice_a)
    assert (seldom if mutes else mostly)(during, voice_a)
    assert mostly(heard.tones(heard.b, to_b + NOTICE_LASTS, left), voice_a)


def objects(heard: Heard, folder: str) -> dict[str, bytes]:
    """What the bucket has of this call, by key."""
    s3, call = heard.lab.client("s3"), str(heard.cdr["sessionId"]).partition("@")[0]
    bucket = heard.lab.outputs["RecordingsBucket"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=folder).get("Contents", [])
    keys = [each["Key"] for each in listed if call in each["Key"]]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def published(heard: Heard) -> bytes:
    """The one object; it comes some seconds after the CDR (R16)."""
    deadline = time.monotonic() + LONGEST_S
    while not (found := objects(heard, "published/")):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    [body] = found.values()
    return body


def test_it_was_recorded_and_the_account_says_so(heard):
    assert heard.cdr["recordFlag"] == 1
    assert heard.cdr["recordStartTime"] > heard.cdr["fwdAnswerTime"]


def test_the_networks_file_has_the_parties_apart_and_no_notice(heard):
    """It begins after the second notice: no speech is in it, and it is no longer than what was left of the call."""
    published(heard)
    [body] = objects(heard, "calls/").values()
    left, right = audio_analysis.channels(body)
    for channel, own in zip((left, right), heard.voices, strict=True):
        found = audio_analysis.loudest(channel)
        assert found[own] > 0.9 * found.total()
    [(_, _, until)] = heard.a.joined
    assert len(left) / audio_analysis.RATE < (until - heard.began(heard.b, NOTICE) - NOTICE_LASTS).total_seconds() + 0.5


def test_the_published_file_is_a_law_and_has_both_voices(heard):
    body = published(heard)
    kind, channels, rate = (int.from_bytes(body[at : at + size], "little") for at, size in ((20, 2), (22, 2), (24, 4)))
    assert (kind, channels, rate) == (6, 1, audio_analysis.RATE)
    sound = audioop.alaw2lin(body[body.index(b"data") + 8 :], 2)
    windows = audio_analysis.windows(audio_analysis.samples(sound))
    assert sum(each == heard.voices for each in windows) > 0.7 * len(windows)


@pytest.mark.parametrize("pair", [UNWANTED, NO_NOTICE], ids=["not-wanted", "no-notice-to-be-had"])
def test_no_notice_no_recording(calls, pair):
    """They talk all the same."""
    heard = calls[pair]
    assert heard.cdr["recordFlag"] == 0
    assert [what for call in (heard.a, heard.b) for _, what in call.heard if NOTICE in what and pair == UNWANTED] == []
    assert objects(heard, "") == {}
    for call, other in ((heard.a, heard.voices[1]), (heard.b, heard.voices[0])):
        [(_, since, until)] = call.joined
        assert mostly(heard.tones(call, since, until), other)
