"""Recording: both are told, each to the end, before it starts; without the notices there is none (R15)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.actions import DialAndBridge, PlayPrompt, StartRecording
from duologue.call_control.events import ActionRefused, LastMinuteAsked, RecordingStarted
from duologue.call_control.machine import leaves_a_prompt
from duologue.call_control.prompts import AppPrompt, Prompt
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.outcome import Party
from duologue.domain.media.audio import Audio
from duologue.domain.media.recording import Recording
from tests.call_control.stories import CALLEE_LEFT, CALLER_LEFT, END_WANTED, TALKING, Story
from tests.samples import LEG_A, LEG_B, NETWORK_CALL, at, callback

KEY = "calls/app-1/1_2_3_20261123090000/2026/11/23/2026-11-23-09-00-00-000_t_l.wav"
STARTED = RecordingStarted(at(15), NETWORK_CALL, KEY)
LAST_MINUTE = LastMinuteAsked(at(12), NETWORK_CALL)


def recorded(*events, **wanted):
    return Story(*TALKING, *events, call=replace(callback(), wants_recording=True, **wanted))


def test_the_caller_then_the_callee_are_told_and_then_it_starts():
    assert recorded().actions == (
        PlayPrompt(Party.CALLER, Prompt.RECORDING_NOTICE),
        PlayPrompt(Party.CALLEE, Prompt.RECORDING_NOTICE),
        StartRecording(LEG_A, f"calls/app-1/{callback().id}"),
    )


def test_the_apps_own_notice():
    notices = recorded(audio=Audio(recording_notice="ours.wav")).actions[:2]
    assert [notice.prompt for notice in notices] == [AppPrompt("app-1", "ours.wav")] * 2


def test_nothing_is_recorded_that_was_not_asked_for():
    assert Story(*TALKING).actions == ()
    for event in TALKING[:4]:
        assert not any(isinstance(action, StartRecording) for action in Story(event).actions)


def test_the_dial_stands_alone_in_its_list():
    story = Story(*TALKING[:4], call=replace(callback(), wants_recording=True))
    assert [type(action) for action in story.actions] == [DialAndBridge]


def test_the_cdr_names_a_recording_if_and_only_if_it_started():
    story = recorded(STARTED, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
    assert cdr_of(story.call).recording == Recording(KEY, at(15))
    story = recorded(CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
    assert cdr_of(story.call).recording is None


def test_it_starts_once():
    story = recorded(STARTED, replace(STARTED, at=at(20), key="another"))
    assert story.call.recording == Recording(KEY, at(15))


@pytest.mark.parametrize("action", [PlayPrompt, StartRecording])
def test_a_notice_or_a_start_that_fails_leaves_the_call_unrecorded_and_going_on(action):
    story = recorded(ActionRefused(at(12), NETWORK_CALL, action.__name__, "InvalidAudioSource"))
    assert story.actions == ()
    assert story.call.ending is None
    assert not story.call.wants_recording
    story.play(LAST_MINUTE)
    assert len(story.actions) == 2, "later prompts are played again"


def test_the_last_minute_does_not_cut_off_the_notice():
    assert recorded(LAST_MINUTE).actions == (), "an empty answer keeps what is being played"
    assert len(recorded(STARTED, LAST_MINUTE).actions) == 2


_LIMITED = {"announces_end": True, "longest_talk": timedelta(minutes=10)}
_REFUSED = ActionRefused(at(12), NETWORK_CALL, PlayPrompt.__name__, "InvalidAudioSource")
_FIRST, _LAST = replace(CALLEE_LEFT, connected={Party.CALLER: LEG_A}), replace(CALLER_LEFT, connected={})


@pytest.mark.parametrize(
    ("wanted", "before", "left", "leaves"),
    [
        ({}, (), _FIRST, False),
        ({"wants_recording": True}, (), _FIRST, True),
        ({"wants_recording": True}, (), replace(CALLER_LEFT, connected={Party.CALLEE: LEG_B}), True),
        ({"wants_recording": True}, (), replace(_FIRST, connected={}), True),  # the caller is up by our record
        ({"wants_recording": True}, (CALLEE_LEFT,), _LAST, False),
        ({"wants_recording": True}, (), END_WANTED, False),
        ({"wants_recording": True}, (STARTED,), _FIRST, False),
        ({"wants_recording": True}, (_REFUSED,), _FIRST, False),
        (_LIMITED, (), replace(_FIRST, at=at(9 + 538)), False),
        (_LIMITED, (), replace(_FIRST, at=at(9 + 540)), True),
        (_LIMITED, (), replace(_FIRST, at=at(9 + 599)), True),
        (_LIMITED | {"announces_end": False}, (), replace(_FIRST, at=at(9 + 599)), False),
    ],
)
def test_who_hangs_up_may_leave_the_peer_in_a_prompt(wanted, before, left, leaves):
    """A new answer does not interrupt it. Asked before the event is recorded, and again for a repeat."""
    story = Story(*TALKING, *before, call=replace(callback(), **wanted))
    assert leaves_a_prompt(story.call, left) is leaves
    story.play(left)
    assert leaves_a_prompt(story.call, left) is leaves


@pytest.mark.parametrize("unanswered", [TALKING[:2], TALKING[:3], TALKING[:4]])
def test_there_is_no_such_prompt_before_the_talk(unanswered):
    story = Story(*unanswered, call=replace(callback(), wants_recording=True))
    for left in (_FIRST, CALLER_LEFT):
        assert not leaves_a_prompt(story.call, left)


def test_a_stop_while_the_notice_is_heard():
    stopping = recorded()
    stopped = replace(stopping.call, ending="stopped")
    assert len(Story(END_WANTED, call=stopped).actions) == 2, "both are hung up; the rest of the list is gone"
