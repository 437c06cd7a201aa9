"""What an SP may ask of a callback, each by what a phone hears or what the SP is told."""

from datetime import timedelta

import pytest

from duologue.call_control.prompts import AppPrompt, Prompt
from duologue.domain.media.audio import Audio, AudioListeners
from pstn.lines import AudioFile
from pstn.lines.behaviours import answers
from tests.journeys.desk import Desk
from tests.journeys.line import CALLEE, CALLER, Line
from tests.journeys.line import OWN as OWN_NUMBERS

OWN = AppPrompt("app-1", "ours.wav")
TALK = timedelta(minutes=3)


def test_a_prompt_before_the_callee_is_dialled_is_heard_to_its_end():
    line = Line(answers(2), answers(3, talks=10.0))
    line.exchange.audio = lambda bucket, key: AudioFile(7.0)
    call = line.place(wants_prompt_before_callee=True)
    line.run()
    assert line.heard_by(CALLER) == [Prompt.BEFORE_CALLEE, Prompt.WAITING]
    cdr = line.cdr(call)
    assert cdr.callee.dialled_at is not None
    assert cdr.caller.answered_at is not None
    assert cdr.callee.dialled_at - cdr.caller.answered_at > timedelta(seconds=7)
    line.check_all_over(call)


def test_the_apps_own_prompts():
    line = Line(answers(2), answers(8, talks=10.0))
    audio = Audio(before_callee="ours.wav", while_callee_rings="ring.wav")
    call = line.place(wants_prompt_before_callee=True, audio=audio)
    line.run()
    assert line.heard_by(CALLER) == [OWN, AppPrompt("app-1", "ring.wav")]
    line.check_all_over(call)


def test_a_prompt_that_is_named_but_not_wanted_is_not_played():
    line = Line(answers(2), answers(3, talks=10.0))
    line.place(audio=Audio(before_callee="ours.wav"))
    line.run()
    assert OWN not in line.heard_by(CALLER)


def test_a_prompt_that_cannot_be_played_does_not_keep_them_apart():
    line = Line(answers(2), answers(3, talks=10.0))
    line.exchange.audio = lambda bucket, key: None if key.startswith("apps/") else AudioFile(1.0)
    call = line.place(wants_prompt_before_callee=True, audio=Audio(before_callee="ours.wav"))
    line.run()
    assert line.disconnect["stateCode"] == 0
    line.check_all_over(call)


def test_a_stop_while_the_prompt_before_the_callee_plays():
    line = Line(answers(2), answers(3))
    line.exchange.audio = lambda bucket, key: AudioFile(12.0)
    call = line.place(wants_prompt_before_callee=True)
    line.stop_after(call, 6.0)
    line.run()
    assert line.disconnect["stateCode"] == 8017
    assert line.exchange.phones[CALLEE].calls == []
    line.check_all_over(call)


@pytest.mark.parametrize(
    ("to", "hear"),
    [(AudioListeners.BOTH, {CALLER, CALLEE}), (AudioListeners.CALLER, {CALLER}), (AudioListeners.CALLEE, {CALLEE})],
)
def test_the_last_minute_is_announced(to, hear):
    line = Line(answers(2), answers(2))
    call = line.place(longest_talk=TALK, audio=Audio(last_minute_to=to))
    line.run()
    heard = {number for number in (CALLER, CALLEE) if Prompt.LAST_MINUTE in line.heard_by(number)}
    assert heard == hear
    joined = line.exchange.phones[CALLER].calls[0].joined[0][1]
    times = [at for number in hear for at, key in line.exchange.phones[number].heard if "last-minute" in key]
    assert all(timedelta(seconds=118) < at - joined < timedelta(seconds=124) for at in times)
    assert line.disconnect["stateCode"] == 8010
    assert TALK - timedelta(seconds=1) < line.cdr(call).talk < TALK + timedelta(seconds=3)
    line.check_all_over(call)


def test_the_apps_own_announcement_of_the_last_minute():
    line = Line(answers(2), answers(2))
    line.place(longest_talk=TALK, audio=Audio(last_minute="ours.wav", last_minute_to=AudioListeners.CALLEE))
    line.run()
    assert line.heard_by(CALLEE) == [OWN]


def test_a_call_that_ends_before_its_last_minute_hears_nothing_of_it():
    line = Line(answers(2), answers(2, talks=30.0))
    call = line.place(longest_talk=TALK)
    line.run()
    assert Prompt.LAST_MINUTE not in line.heard_by(CALLER)
    assert line.disconnect["stateCode"] == 0
    line.check_all_over(call)


def test_the_longest_limit_of_an_sps_own_is_announced_too():
    line = Line(answers(2), answers(2))
    call = line.place(longest_talk=timedelta(minutes=1440))
    line.run()
    assert Prompt.LAST_MINUTE in line.heard_by(CALLER)
    assert line.disconnect["stateCode"] == 8010
    line.check_all_over(call)


def test_a_call_without_a_limit_of_its_own_ends_at_the_apps_without_a_word():
    line = Line(answers(2), answers(2))
    call = line.place()
    line.run()
    assert timedelta(hours=4) <= line.cdr(call).talk < timedelta(hours=4, minutes=1)
    assert Prompt.LAST_MINUTE not in line.heard_by(CALLER)
    line.check_all_over(call)


def test_the_apps_own_notice_is_heard_by_both_before_the_recording():
    line = Line(answers(2), answers(3, talks=30.0))
    line.exchange.audio = lambda bucket, key: AudioFile(4.0)
    desk = Desk(line, recording=True)
    call = desk.place(recordFlag="true", recordHintTone="recorded.wav")
    line.run()
    line.check_all_over(call)
    own = AppPrompt(line.app.key, "recorded.wav")
    assert line.heard_by(CALLER)[-1] == line.heard_by(CALLEE)[-1] == own
    assert Prompt.RECORDING_NOTICE not in line.heard_by(CALLER) + line.heard_by(CALLEE)
    recording = line.cdr(call).recording
    [at] = [at for at, key in line.exchange.phones[CALLEE].heard if "recorded.wav" in key]
    assert recording is not None
    assert recording.started_at >= at + timedelta(seconds=4)
    assert (line.fee["recordFlag"], line.fee["recordHintTone"]) == (1, "recorded.wav")


def test_a_notice_of_a_call_that_is_not_recorded_is_not_heard():
    line = Line(answers(2), answers(3, talks=30.0))
    Desk(line, recording=True).place(recordHintTone="recorded.wav")
    line.run()
    assert AppPrompt(line.app.key, "recorded.wav") not in line.heard_by(CALLER) + line.heard_by(CALLEE)
    assert line.fee["recordFlag"] == 0


def test_the_bind_number_stands_in_the_cdr_and_for_the_display_numbers_that_were_left_out():
    for fields, bound in (({}, OWN_NUMBERS[0]), ({"bindNbr": OWN_NUMBERS[1]}, OWN_NUMBERS[1])):
        line = Line(answers(2), answers(3, talks=10.0))
        call = Desk(line).place(**fields)
        line.run()
        assert [line.fee[name] for name in ("bindNum", "callerNum", "fwdDisplayNum")] == [bound] * 3
        line.check_all_over(call)


def test_how_many_calls_more_may_be_placed_is_said_if_asked():
    line = Line(answers(2), answers(3, talks=10.0), concurrent_calls=2)
    desk = Desk(line)
    assert "idlePort" not in desk.ask(returnIdlePort="false")
    assert desk.ask(returnIdlePort="true")["idlePort"] == 0
    assert desk.ask(returnIdlePort="true")["resultcode"] == "1020165"
    line.run()
    assert desk.ask(returnIdlePort="true")["idlePort"] == 1, "the two are over"
