"""A recorded callback, by what both hear and what the network keeps."""

from datetime import timedelta

import pytest

from duologue.call_control.prompts import Prompt
from pstn.lines import AudioFile
from pstn.lines.behaviours import answers
from pstn.switches import Switches
from tests.journeys.line import CALLEE, CALLER, Line


def recordings(line):
    return line.exchange.recordings.objects


@pytest.mark.parametrize("mutes", [False, True])
def test_both_hear_the_notice_and_then_the_recording_starts(mutes):
    line = Line(answers(2), answers(3, talks=30.0), switches=Switches(prompt_mutes_peer=mutes))
    line.exchange.audio = lambda bucket, key: AudioFile(3.0)
    call = line.place(wants_record=True)
    line.run()
    line.check_all_over(call)
    assert line.heard_by(CALLER)[-1] is line.heard_by(CALLEE)[-1] is Prompt.RECORDING_NOTICE
    recording = line.cdr(call).recording
    [(at, _)] = [(at, key) for at, key in line.exchange.phones[CALLEE].heard if "notice" in key]
    assert recording.started_at >= at + timedelta(seconds=3), "after the second notice has ended"
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


def test_a_call_that_is_over_before_the_notices_has_no_recording():
    line = Line(answers(2), answers(3, talks=1.0))
    line.exchange.audio = lambda bucket, key: AudioFile(3.0)
    call = line.place(wants_record=True)
    line.run()
    line.check_all_over(call)
    assert line.cdr(call).recording is None
    assert not recordings(line)
