"""A recorded callback, by what both hear and what the network keeps."""

from datetime import timedelta

import pytest

from duologue.call_control.prompts import Prompt
from duologue.domain.calls.outcome import Party
from duologue.domain.media.wav import read_wav
from lab.lab import AUDIO
from pstn.lines import AudioFile
from pstn.lines.behaviours import answers, planned
from pstn.switches import Switches
from tests.journeys.line import CALLEE, CALLER, Line

NOTICE_S = read_wav((AUDIO / "recording-notice.wav").read_bytes()).seconds


def recordings(line):
    return line.exchange.recordings.objects


@pytest.mark.parametrize("mutes", [False, True])
def test_both_hear_the_notice_and_then_the_recording_starts(mutes):
    line = Line(answers(2), answers(3, talks=30.0), switches=Switches(prompt_mutes_peer=mutes))
    line.exchange.audio = lambda bucket, key: AudioFile(NOTICE_S)
    call = line.place(wants_record=True)
    line.run()
    line.check_all_over(call)
    assert line.heard_by(CALLER)[-1] is line.heard_by(CALLEE)[-1] is Prompt.RECORDING_NOTICE
    recording = line.cdr(call).recording
    [(at, _)] = [(at, key) for at, key in line.exchange.phones[CALLEE].heard if "notice" in key]
    assert recording.started_at >= at + timedelta(seconds=NOTICE_S), "after the second notice has ended"
    answered_at = line.cdr(call).callee.answered_at
    assert answered_at is not None
    assert recording.started_at - answered_at <= timedelta(seconds=5)
    [(bucket, key)] = recordings(line)
    assert (bucket, key) == ("recordings-bucket", recording.key)
    assert key.startswith(f"calls/app-1/{call}/")


def test_a_notice_that_cannot_be_played_leaves_no_recording():
    line = Line(answers(2), answers(3, talks=30.0))
    line.exchange.audio = lambda bucket, key: None if "notice" in key else AudioFile(1.0)
    call = line.place(wants_record=True)
    line.run()
    line.check_all_over(call)
    assert line.cdr(call).recording is None
    assert not recordings(line)
    assert line.disconnect["stateCode"] == 0


@pytest.mark.parametrize("last_digit", [1, 2, 4, 5, 6, 7, 8, 9, 0])  # 3 talks about as long as the notices last
def test_only_a_call_that_outlasts_the_notices_has_a_recording(last_digit):
    """The numbers +1 202 555 0130 to 0139 hang up by themselves; those that talk 4 s or more can be recorded."""
    callee = planned(f"+1202555013{last_digit}")
    line = Line(answers(2), callee)
    line.exchange.audio = lambda bucket, key: AudioFile(NOTICE_S)
    call = line.place(wants_record=True)
    line.run()
    line.check_all_over(call)
    recorded = (callee.talks or 0) >= 4
    assert (line.cdr(call).recording is not None, len(recordings(line))) == (recorded, recorded)


@pytest.mark.parametrize("older_replaces", [False, True])
@pytest.mark.parametrize("order", ["as_it_comes", "after_answer", "before_answer"])
@pytest.mark.parametrize("leaver", [CALLER, CALLEE])
@pytest.mark.parametrize("talks", [2.0, 7.0], ids=["the caller hears it", "the callee hears it"])
@pytest.mark.parametrize("prompt", [Prompt.RECORDING_NOTICE, Prompt.LAST_MINUTE])
def test_nobody_is_left_on_a_dead_line_while_a_prompt_plays(prompt, talks, leaver, order, older_replaces):
    """R9. Of 5 s, to the caller and then to the callee; the network itself would hang up after it."""
    switches = Switches(update_order=order, older_answer_replaces=older_replaces)
    leaves = {number: talks if number == leaver else None for number in (CALLER, CALLEE)}
    line = Line(answers(2, talks=leaves[CALLER]), answers(3, talks=leaves[CALLEE]), switches=switches)
    line.exchange.audio = lambda bucket, key: AudioFile(5.0)
    limit = timedelta(minutes=1) if prompt is Prompt.LAST_MINUTE else None  # announced a second after the answer
    call = line.place(wants_record=prompt is Prompt.RECORDING_NOTICE, longest_talk=limit)
    line.run()
    line.check_all_over(call)
    assert prompt in line.heard_by(CALLER)
    caller_end, callee_end = (line.exchange.phones[number].calls[0].ended_at for number in (CALLER, CALLEE))
    assert caller_end is not None
    assert callee_end is not None
    assert abs(caller_end - callee_end) < timedelta(seconds=0.5)
    assert line.disconnect["stateCode"] == 0
    assert line.cdr(call).ended_by is (Party.CALLER if leaver == CALLER else Party.CALLEE)
